import type { FastifyInstance } from 'fastify'
import type { RunFileReader, RunState } from '../system/run-file.ts'

/** What Prometheus' HTTP service discovery reads: addresses, and the labels that all their series get. */
interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** `GET /api/prometheus/targets`: what of the system is to be scraped, for `http_sd_configs`. Its ports are others after each start. */
export function registerPrometheusTargets(app: FastifyInstance, runFile: Pick<RunFileReader, 'state'>): void {
  app.get('/api/prometheus/targets', (_request, reply) => reply.header('cache-control', 'no-store').send(targetGroups(runFile.state)))
}

function targetGroups({ system, processes }: RunState): readonly TargetGroup[] {
  return processes.flatMap(({ name, instance, role, metricsUrl }) => {
    const url = metricsUrl === null ? null : URL.parse(metricsUrl)
    if (url === null) return []
    const labels = { service: name, instance, role, ...(system !== null && { system }), __metrics_path__: url.pathname }
    return [{ targets: [url.host], labels }]
  })
}
