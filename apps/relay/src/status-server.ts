import { type IncomingMessage, createServer } from 'node:http'
import type { Prometheus } from '@seaworthy/telemetry/prometheus'
import { type Listening, listening } from 'seaworthy/system'
import type { RunningRelay } from './running-relay.ts'

export interface StatusServerOptions {
  readonly port: number
  readonly host: string
  readonly relay: Pick<RunningRelay, 'status' | 'wakeUpStatus'>
  readonly metrics: Pick<Prometheus, 'exposition'>
  /** False while the process starts or stops. */
  readonly isReady: () => boolean
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Serves `/healthz` (alive), `/readyz` (looks for work), `/status` (for people) and `/metrics` (for Prometheus). */
export async function startStatusServer(options: StatusServerOptions): Promise<Listening> {
  const server = createServer((request, response) => {
    const send = ({ status, type, body }: Answer) => {
      response.writeHead(status, { 'content-type': type })
      response.end(body)
    }
    answerTo(request, options).then(send, (error: unknown) => send(json(503, { status: 'not-ready', detail: String(error) })))
  })
  return listening(server, options)
}

async function answerTo({ url, headers }: IncomingMessage, { relay, metrics, isReady }: StatusServerOptions): Promise<Answer> {
  switch (url) {
    case '/healthz':
      return json(200, { status: 'alive' })
    case '/readyz':
      return isReady() ? json(200, { status: 'ready', checks: {} }) : json(503, { status: 'not-ready', checks: {} })
    case '/status': {
      const wakeUp = relay.wakeUpStatus()
      return json(200, { ...(await relay.status()), ...(wakeUp !== undefined && { wakeUp: { ...wakeUp, ...toldOf(wakeUp) } }) })
    }
    case '/metrics': {
      const { contentType, body } = await metrics.exposition(headers.accept)
      return { status: 200, type: contentType, body }
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
