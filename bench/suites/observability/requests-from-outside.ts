import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Telemetry, startTelemetry } from '@seaworthy/telemetry'

const CLIENT = fileURLToPath(new URL('client-process.ts', import.meta.url))
const SENT_WITHIN_MS = 30_000

/** Another process that makes requests, and takes the spans that come of them: what both cost is not the server's. */
export interface RequestsFromOutside {
  readonly collectorUrl: string
  /** @throws when one is not answered with 200 */
  drive(port: number, requests: number): Promise<void>
}

export async function requestsFromOutside(): Promise<RequestsFromOutside> {
  const client = fork(CLIENT, [], { execArgv: ['--disable-warning=ExperimentalWarning', '--conditions=source'] })
  const [{ collectorPort }] = (await once(client, 'message')) as [{ collectorPort: number }]
  return {
    collectorUrl: `http://127.0.0.1:${collectorPort}`,
    async drive(port, requests) {
      client.send({ port, requests })
      const [answer] = (await once(client, 'message')) as ['done' | { failure: string }]
      if (answer !== 'done') throw new Error(answer.failure)
    },
  }
}

export function tracing(collectorUrl: string, processFacts: boolean): Telemetry {
  return startTelemetry({
    service: 'orders',
    instance: 'orders-1',
    logLevel: 'silent',
    otlpUrl: collectorUrl,
    spanQueueMax: 100_000,
    processFacts,
  })
}

/** Waits until what was recorded is exported. @throws when that is not a span for each request */
export async function sent(telemetry: Telemetry, requests: number): Promise<void> {
  const untilMs = performance.now() + SENT_WITHIN_MS
  while (telemetry.exportStatus().queued > 0 || telemetry.exportStatus().exported < requests) {
    if (performance.now() > untilMs) throw new Error(`Of ${requests} spans ${telemetry.exportStatus().exported} were sent.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  if (telemetry.exportStatus().dropped > 0) throw new Error('Spans were dropped.')
}
