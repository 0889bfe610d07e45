import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { problemAnswer } from '@seaworthy/http-proxy'
import type { Prometheus } from '@seaworthy/telemetry/prometheus'
import { InvalidInputError, newId, NotFoundError } from 'seaworthy/core'
import { hasBearerToken } from 'seaworthy/http'
import { type Listening, listening } from 'seaworthy/system'
import { Checked, type ConfigProblem } from './checked.ts'
import type { StranglerGateway } from './strangler-gateway.ts'

export interface AdminApiOptions {
  readonly port: number
  readonly host: string
  /** Whoever has it may move routes. */
  readonly token: string
  readonly gateway: StranglerGateway
  readonly isReady: () => boolean
  /** What Prometheus scrapes. */
  readonly metrics: Pick<Prometheus, 'exposition'>
  /** Reads the configuration again and puts it in force. */
  readonly reload: () => Promise<void>
  /** What the comparison of shadowed routes found. */
  readonly comparisons: (signal: AbortSignal) => Promise<object>
}

const BODY_BYTES_MAX = 65_536
const COMPARISONS_TIMEOUT_MS = 5_000

/**
 * What people and pages ask a gateway, on a port of its own that is never the public one:
 * `GET /status`, `GET /overview`, `GET /ledger`, `GET /comparisons`, `POST /shift`, `POST /rollback`, `POST /reload`, `POST /explain`, each with `Authorization: Bearer TOKEN`; `GET /healthz`
 * and `GET /readyz` for whoever supervises it and `GET /metrics` for Prometheus, without.
 */
export async function startAdminApi(options: AdminApiOptions): Promise<Listening> {
  const server = createServer((request, response) => void answer(request, response, options))
  server.requestTimeout = 10_000
  return listening(server, options)
}

async function answer(request: IncomingMessage, response: ServerResponse, options: AdminApiOptions): Promise<void> {
  const say = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }
  const asked = `${request.method} ${(request.url ?? '').split('?', 1)[0]}`
  try {
    if (asked === 'GET /healthz') return say(200, { status: 'alive' })
    if (asked === 'GET /readyz') return options.isReady() ? say(200, { status: 'ready' }) : say(503, { status: 'not-ready' })
    if (asked === 'GET /metrics') {
      const { contentType, body } = await options.metrics.exposition(request.headers.accept)
      response.writeHead(200, { 'content-type': contentType })
      return void response.end(body)
    }
    if (!hasBearerToken(request.headers.authorization, options.token)) {
      response.setHeader('www-authenticate', 'Bearer')
      return say(401, { status: 401, title: 'Unauthorized', detail: 'Send the token of the admin API: Authorization: Bearer TOKEN.' })
    }
    const handle = HANDLERS[asked]
    if (handle === undefined) throw new NotFoundError(`There is no ${asked}. There are ${Object.keys(HANDLERS).join(', ')}.`)
    const { body, assertSound } = await bodyOf(request)
    say(200, await handle(options, body, assertSound))
  } catch (error) {
    if (response.headersSent) return void response.destroy()
    const { status, headers, body } = problemAnswer(error, newId())
    response.writeHead(status, [...headers])
    response.end(body)
  }
}

type Handler = (options: AdminApiOptions, body: Checked, assertSound: () => void) => object | Promise<object>

const HANDLERS: Readonly<Record<string, Handler>> = {
  'GET /status': ({ gateway }) => gateway.status(),
  'GET /overview': ({ gateway }) => gateway.overview(),
  'GET /ledger': ({ gateway }) => ({ entries: gateway.entries }),
  'GET /comparisons': ({ comparisons }) => comparisons(AbortSignal.timeout(COMPARISONS_TIMEOUT_MS)),
  'POST /shift': async ({ gateway }, body, assertSound) => {
    const { route, tenant, percent, who, why } = body.object('route', 'tenant', 'percent', 'who', 'why')
    const request = { ...named(route, tenant, who, why), percent: percent.number(0, 100) }
    assertSound()
    return gateway.shift(request)
  },
  'POST /rollback': async ({ gateway }, body, assertSound) => {
    const { route, tenant, who, why } = body.object('route', 'tenant', 'who', 'why')
    const request = named(route, tenant, who, why)
    assertSound()
    return { entries: await gateway.rollback(request) }
  },
  'POST /reload': async ({ reload }) => {
    await reload()
    return { reloaded: true }
  },
  'POST /explain': ({ gateway }, body, assertSound) => {
    const { method, url, headers } = body.object('method', 'url', 'headers')
    const request = { method: method.text(), url: url.text() }
    const fields = headers.optional((record) => Object.fromEntries(record.entries().map(([name, value]) => [name, value.text()])))
    assertSound()
    return gateway.explain(request.method, request.url, fields)
  },
}

function named(route: Checked, tenant: Checked, who: Checked, why: Checked) {
  const name = tenant.optional((each) => each.text())
  return {
    route: route.text(),
    ...(name !== undefined && { tenant: name }),
    who: who.text(/^.{1,200}$/u, 'who asks'),
    why: why.text(/^.{1,1000}$/u, 'why'),
  }
}

/** The question, and what throws if something in it turned out to be wrong. @throws InvalidInputError naming every such field */
async function bodyOf(request: IncomingMessage): Promise<{ readonly body: Checked; readonly assertSound: () => void }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new InvalidInputError(`The question is larger than ${BODY_BYTES_MAX} bytes.`)
    chunks.push(chunk)
  }
  const problems: ConfigProblem[] = []
  const assertSound = () => {
    if (problems.length === 0) return
    const fields = problems.map(({ path, message }) => ({ field: path, message }))
    throw new InvalidInputError(
      `The question makes no sense: ${fields.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
      fields,
    )
  }
  return { body: new Checked(parsed(Buffer.concat(chunks).toString()), '', problems), assertSound }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new InvalidInputError('The question is no JSON.', [], { cause })
  }
}
