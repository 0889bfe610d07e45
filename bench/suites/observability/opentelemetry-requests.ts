import type { AddressInfo } from 'node:net'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { startContender } from '../../harness/contender-process.ts'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Effort } from '../../harness/suite.ts'
import { requestsFromOutside, sent, tracing } from './requests-from-outside.ts'

const REQUESTS = { quick: 500, full: 10_000 }

/** The same request on fastify alone, its span made by OpenTelemetry's instrumentation and exported in the same way. */
async function served(isTraced: boolean, { quick }: Effort) {
  const outside = await requestsFromOutside()
  const telemetry = isTraced ? tracing(outside.collectorUrl, false) : undefined
  if (isTraced) new HttpInstrumentation().enable()
  // Not before: it takes hold of node:http when that is required.
  const { fastify } = await import('fastify')
  const server = fastify()
  server.get('/orders/:id', async () => ({ id: 7, total: 4_200 }))
  await server.listen({ port: 0, host: '127.0.0.1' })
  const { port } = server.server.address() as AddressInfo
  let total = 0
  const loop = async (requests: number) => {
    await outside.drive(port, requests)
    if (telemetry !== undefined) await sent(telemetry, (total += requests))
  }
  await loop(REQUESTS.quick)
  return () => cpuNsPerCall(loop, quick ? REQUESTS.quick : REQUESTS.full)
}

export const traced: Contender = (effort) => served(true, effort)
export const untraced: Contender = (effort) => served(false, effort)

/** By how much tracing multiplies the CPU of a request: each side against itself, whatever else its server does. */
async function factor(module: string, effort: Effort) {
  const on = await startContender({ module, name: 'traced' }, effort)
  const off = await startContender({ module, name: 'untraced' }, effort)
  await Promise.all([on.measure(), off.measure()])
  return async () => (await on.measure()) / (await off.measure())
}

export const factorOfOurs: Contender = (effort) => factor(new URL('traced-requests.ts', import.meta.url).href, effort)
export const factorOfOpenTelemetry: Contender = (effort) => factor(import.meta.url, effort)
