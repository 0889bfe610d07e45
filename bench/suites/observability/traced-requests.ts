import { httpServer } from '@seaworthy/rpc/rest'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'
import { requestsFromOutside, sent, tracing } from './requests-from-outside.ts'

const module = import.meta.url
const REQUESTS = { quick: 500, full: 10_000 }

/** A server whose requests come from another process: the figure is the CPU of this one alone, spans exported. */
async function served(how: 'untraced' | 'traced' | 'without-facts', { quick }: Effort) {
  const outside = await requestsFromOutside()
  const telemetry = how === 'untraced' ? undefined : tracing(outside.collectorUrl, how === 'traced')
  const server = httpServer({ port: 0 })
  server.fastify.get('/orders/:id', { config: { template: '/orders/{id}' } }, async () => ({ id: 7, total: 4_200 }))
  await server.start()
  let total = 0
  const loop = async (requests: number) => {
    await outside.drive(server.port, requests)
    if (telemetry !== undefined) await sent(telemetry, (total += requests))
  }
  await loop(REQUESTS.quick)
  return () => cpuNsPerCall(loop, quick ? REQUESTS.quick : REQUESTS.full)
}

export const traced: Contender = (effort) => served('traced', effort)
export const tracedWithoutFacts: Contender = (effort) => served('without-facts', effort)
export const untraced: Contender = (effort) => served('untraced', effort)

const described = { unit: 'CPU ns per request', better: 'lower', rounds: 9 } as const
const ours = { module, name: 'traced' }
const openTelemetry = new URL('opentelemetry-requests.ts', module).href

export const tracedRequestMetrics: readonly Metric[] = [
  {
    name: 'tracing-cpu',
    ...described,
    peer: 'the same server, tracing off',
    target: { ratioMax: 1.8 },
    note: 'A fastify request of nothing but routing and a small JSON answer. Every request is sampled; its span has the attributes of OpenTelemetry’s http instrumentation, and the facts of the process, and is exported over OTLP.',
    contenders: { ours, peer: { module, name: 'untraced' } },
  },
  {
    name: 'tracing-cpu-opentelemetry',
    unit: 'times the CPU of the request untraced',
    better: 'lower',
    rounds: 5,
    peer: '@opentelemetry/instrumentation-http on fastify',
    target: { ratioMax: 1 },
    note: 'Each against its own server with tracing off. The spans of both have the same attributes and go through the same processors and exporter; ours have the facts of the process besides.',
    contenders: { ours: { module: openTelemetry, name: 'factorOfOurs' }, peer: { module: openTelemetry, name: 'factorOfOpenTelemetry' } },
  },
  {
    name: 'process-facts-cpu',
    ...described,
    peer: 'the same server, traced without them',
    target: { ratioMax: 1.05 },
    note: 'What CPU, event loop and stretches on the span of each request cost, on the cheapest request there is.',
    contenders: { ours, peer: { module, name: 'tracedWithoutFacts' } },
  },
]
