import type { HttpServer } from '@seaworthy/rpc/rest'
import { prometheus } from '@seaworthy/telemetry/prometheus'
import type { Policy } from 'seaworthy/resilience'

/**
 * Serves `/metrics` on the process's own port, which the gateway does not route: what its policies did and where they stand, as Prometheus scrapes it.
 * @returns a function that stops the counting
 */
export function serveMetrics(server: HttpServer, policies: readonly Policy[]): () => void {
  const metrics = prometheus({ policies: () => policies.map((policy) => policy.snapshot()) })
  server.fastify.get('/metrics', { config: { quiet: true } }, (_request, reply) => reply.type(metrics.contentType).send(metrics.text()))
  return () => metrics[Symbol.dispose]()
}
