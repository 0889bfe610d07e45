import type { HttpServer } from '@seaworthy/rpc/rest'
import type { Questions } from '@seaworthy/supervisor/management'
import { messageFamilies, type Prometheus, sagaFamilies } from '@seaworthy/telemetry/prometheus'
import { systemClock } from 'seaworthy/core'
import type { Policy } from 'seaworthy/resilience'

/** What is asked at each scrape. */
export interface MetricParts {
  readonly policies: readonly Policy[]
  readonly messages: () => Promise<Questions['messages']['answer']>
  /** Undefined for a service without sagas. */
  readonly sagas: () => Promise<Questions['sagas']['answer']> | undefined
}

/**
 * Serves `/metrics` on the process's own port, which the gateway does not route: what the process does, what its policies did and where they stand, and how its
 * messages and sagas are, as Prometheus scrapes it.
 * @returns what ends the asking, before what is asked is closed
 */
export function serveMetrics(server: HttpServer, metrics: Prometheus, { policies, messages, sagas }: MetricParts): () => void {
  const forget = metrics.add({
    policies: () => policies.map((policy) => policy.snapshot()),
    sources: [
      { name: 'messages', families: async () => messageFamilies(await messages(), systemClock.now()) },
      { name: 'sagas', families: async () => sagaFamilies((await sagas())?.counts ?? {}) },
    ],
  })
  server.fastify.get('/metrics', { config: { quiet: true } }, async ({ headers }, reply) => {
    const { contentType, body } = await metrics.exposition(headers.accept)
    return reply.type(contentType).send(body)
  })
  return forget
}
