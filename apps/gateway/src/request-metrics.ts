import { METHODS } from 'node:http'
import type { RequestEnd } from '@seaworthy/http-proxy'
import { SeaworthyError } from 'seaworthy/core'
import { type MetricFamily, type MetricSource, servedRequests } from '@seaworthy/telemetry/prometheus'

// Whoever asks must not make series.
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)

/**
 * How long a gateway's requests took, for Prometheus, from what is told at their ends: to follow each as an operation, as services do, costs the gateway as much
 * again as its own work.
 */
export class RequestMetrics implements MetricSource {
  readonly name = 'requests'
  readonly #durations = servedRequests()

  record({ method, status, error, outcome, destination, durationMs }: RequestEnd): void {
    const failure = outcome === 'broken' ? 'broken' : (status ?? 0) >= 500 ? String(status) : undefined
    const type = error instanceof SeaworthyError ? error.code : failure
    this.#durations.observe(
      {
        http_request_method: KNOWN_METHODS.has(method) ? method : '_OTHER',
        ...(status !== undefined && { http_response_status_code: String(status) }),
        ...(destination !== undefined && { http_route: destination.path, upstream: destination.upstream.name }),
        ...(type !== undefined && { error_type: type }),
      },
      durationMs / 1_000,
    )
  }

  async families(): Promise<readonly MetricFamily[]> {
    return [this.#durations.family()]
  }
}
