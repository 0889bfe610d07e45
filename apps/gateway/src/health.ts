import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves `/healthz` (alive) and `/readyz` (may receive work) on a port of their own, away from the public. */
export async function startHealthServer(port: number, isReady: () => boolean): Promise<HealthServer> {
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
      default:
        return answer(404, { type: 'about:blank', title: 'Not Found', status: 404, detail: 'Here are /healthz and /readyz.' })
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
