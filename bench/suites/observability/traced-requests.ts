import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { httpServer } from '@seaworthy/rpc/rest'
import { type Telemetry, startTelemetry } from '@seaworthy/telemetry'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'

const module = import.meta.url
const CLIENT = fileURLToPath(new URL('client-process.ts', import.meta.url))
const REQUESTS = { quick: 500, full: 10_000 }
const SENT_WITHIN_MS = 30_000

type Tracing = 'off' | 'on' | 'without-facts'

/** A server whose requests come from another process: the figure is the CPU of this one alone, spans exported. */
async function served(tracing: Tracing, { quick }: Effort) {
  const client = fork(CLIENT, [], { execArgv: ['--disable-warning=ExperimentalWarning', '--conditions=source'] })
  const [{ collectorPort }] = (await once(client, 'message')) as [{ collectorPort: number }]
  const telemetry =
    tracing === 'off'
      ? undefined
      : startTelemetry({
          service: 'orders',
          instance: 'orders-1',
          logLevel: 'silent',
          otlpUrl: `http://127.0.0.1:${collectorPort}`,
          spanQueueMax: 100_000,
          processFacts: tracing === 'on',
        })
  const server = httpServer({ port: 0 })
  server.fastify.get('/orders/:id', { config: { template: '/orders/{id}' } }, async () => ({ id: 7, total: 4_200 }))
  await server.start()
  const loop = async (requests: number) => {
    client.send({ port: server.port, requests })
    const [answer] = (await once(client, 'message')) as ['done' | { failure: string }]
    if (answer !== 'done') throw new Error(answer.failure)
    await sent(telemetry)
  }
  await loop(REQUESTS.quick)
  return () => cpuNsPerCall(loop, quick ? REQUESTS.quick : REQUESTS.full)
}

/** What was recorded is exported too. */
async function sent(telemetry: Telemetry | undefined): Promise<void> {
  const untilMs = performance.now() + SENT_WITHIN_MS
  while (telemetry !== undefined && telemetry.exportStatus().queued > 0) {
    if (performance.now() > untilMs) throw new Error('The spans were not sent.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  if ((telemetry?.exportStatus().dropped ?? 0) > 0) throw new Error('Spans were dropped.')
}

export const traced: Contender = (effort) => served('on', effort)
export const tracedWithoutFacts: Contender = (effort) => served('without-facts', effort)
export const untraced: Contender = (effort) => served('off', effort)

export const tracedRequestMetrics: readonly Metric[] = [
  {
    name: 'tracing-cpu',
    unit: 'CPU ns per request',
    better: 'lower',
    peer: 'the same server, tracing off',
    target: { ratioMax: 1.8 },
    note: 'A fastify request of nothing but routing and a small JSON answer; every request sampled and its span, with the facts of the process, exported over OTLP.',
    contenders: { ours: { module, name: 'traced' }, peer: { module, name: 'untraced' } },
  },
  {
    name: 'process-facts-cpu',
    unit: 'CPU ns per request',
    better: 'lower',
    peer: 'the same server, traced without them',
    target: { ratioMax: 1.05 },
    note: 'What CPU, event loop and stretches on the span of each request cost, on the cheapest request there is.',
    contenders: { ours: { module, name: 'traced' }, peer: { module, name: 'tracedWithoutFacts' } },
  },
]
