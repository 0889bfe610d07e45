import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from 'seaworthy/core'
import { metricsText } from './metrics.ts'
import type { RunningRelay } from './running-relay.ts'

export interface StatusServer {
  readonly port: number
  close(): Promise<void>
}

export interface StatusServerOptions {
  readonly port: number
  readonly host: string
  readonly relay: Pick<RunningRelay, 'status' | 'wakeUpStatus'>
  /** False while the process starts or stops. */
  readonly isReady: () => boolean
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Serves `/healthz` (alive), `/readyz` (looks for work), `/status` (for people) and `/metrics` (for Prometheus). */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const send = ({ status, type, body }: Answer) => {
      response.writeHead(status, { 'content-type': type })
      response.end(body)
    }
    answerTo(request.url ?? '', options).then(send, (error: unknown) => send(json(503, { status: 'not-ready', detail: String(error) })))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
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

async function answerTo(url: string, { relay, isReady }: StatusServerOptions): Promise<Answer> {
  switch (url) {
    case '/healthz':
      return json(200, { status: 'alive' })
    case '/readyz':
      return isReady() ? json(200, { status: 'ready', checks: {} }) : json(503, { status: 'not-ready', checks: {} })
    case '/status': {
      const wakeUp = relay.wakeUpStatus()
      return json(200, { ...(await relay.status()), ...(wakeUp !== undefined && { wakeUp: { ...wakeUp, ...toldOf(wakeUp) } }) })
    }
    case '/metrics':
      return {
        status: 200,
        type: 'text/plain; version=0.0.4; charset=utf-8',
        body: metricsText(await relay.status(), relay.wakeUpStatus(), systemClock.now()),
      }
    default:
      return json(404, {
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: 'Here are /healthz, /readyz, /status and /metrics.',
      })
  }
}

/** Errors as text: JSON would leave them empty. */
function toldOf(wakeUp: object): object {
  return Object.fromEntries(Object.entries(wakeUp).flatMap(([name, value]) => (value instanceof Error ? [[name, value.message]] : [])))
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}
