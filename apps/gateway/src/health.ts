import { createServer } from 'node:http'
import { type Listening, listening } from './listening.ts'

/** Serves `/healthz` (alive) and `/readyz` (may receive work) on a port of their own, away from the public. */
export async function startHealthServer(port: number, isReady: () => boolean): Promise<Listening> {
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
  return listening(server, { port, host: '127.0.0.1' })
}
