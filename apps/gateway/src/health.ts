import { createServer } from 'node:http'
import type { Prometheus } from '@seaworthy/telemetry/prometheus'
import { type Listening, listening } from './listening.ts'

export interface HealthParts {
  readonly isReady: () => boolean
  readonly metrics: Pick<Prometheus, 'contentType' | 'text'>
}

/** Serves `/healthz` (alive), `/readyz` (may receive work) and `/metrics` (for Prometheus) on a port of their own, away from the public. */
export async function startHealthServer(port: number, { isReady, metrics }: HealthParts): Promise<Listening> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    switch (request.url) {
      case '/healthz':
        return answer(200, { status: 'alive' })
      case '/readyz':
        return isReady() ? answer(200, { status: 'ready', checks: {} }) : answer(503, { status: 'not-ready', checks: {} })
      case '/metrics':
        response.writeHead(200, { 'content-type': metrics.contentType })
        response.end(metrics.text())
        return
      default:
        return answer(404, { type: 'about:blank', title: 'Not Found', status: 404, detail: 'Here are /healthz, /readyz and /metrics.' })
    }
  })
  return listening(server, { port, host: '127.0.0.1' })
}
