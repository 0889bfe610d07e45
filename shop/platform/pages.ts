import { exchangeOf, type HttpServer } from '@seaworthy/rpc/rest'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { assertTimeLeft, type CallContext } from 'seaworthy/core'

/** A request for a page, as a browser sends it. */
export interface PageRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The fields of a form that was posted. */
  readonly form: URLSearchParams
  readonly cookies: ReadonlyMap<string, string>
  readonly call: CallContext
}

export type PageAnswer =
  | {
      readonly kind: 'page'
      readonly status: number
      readonly html: string
      readonly cookies?: readonly Cookie[]
      /** Seconds after which it may be better. */
      readonly retryAfterS?: number
    }
  /** Elsewhere, by GET: what a form that was posted answers, so that reloading does not post again. */
  | { readonly kind: 'see-other'; readonly location: string; readonly cookies?: readonly Cookie[] }
  | { readonly kind: 'asset'; readonly type: string; readonly body: string }

export interface Cookie {
  readonly name: string
  readonly value: string
  readonly maxAgeS: number
}

export interface Page {
  readonly method: 'GET' | 'POST'
  /** As fastify writes it: `/products/:id`. */
  readonly path: string
  readonly handle: (request: PageRequest) => Promise<PageAnswer> | PageAnswer
}

/** Serves pages once everything is wired. */
export type ServePages = (pages: readonly Page[]) => void

const FORM_BYTES_MAX = 16_384
const ASSET_MAX_AGE_S = 300

// Pages without scripts, whose style is a file of their own: nothing that gets into one can load, run or send anything.
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  // They show a basket, or an order.
  'cache-control': 'no-store',
} as const

/** Serves pages over HTTP. */
export function servingPagesOn(server: HttpServer): ServePages {
  return (pages) => {
    const app = server.fastify
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
      (_request, body, done) => done(null, new URLSearchParams(body as string)),
    )
    for (const { method, path, handle } of pages) {
      app.route({
        method,
        url: path,
        handler: async (request, reply) => {
          const exchange = exchangeOf(request)
          assertTimeLeft(exchange.call, `${method} ${path}`)
          if (method === 'POST' && isCrossSite(request)) {
            return reply.code(403).headers(PAGE_HEADERS).type('text/plain; charset=utf-8').send('This form came from another site.\n')
          }
          const answer = await Promise.race([exchange.during(() => handle(readRequest(request, exchange.call))), exchange.expired])
          return write(reply, answer)
        },
      })
    }
  }
}

/** A form of another site, posted by a browser. Its cookies do not come along anyway (SameSite), and nothing is done in somebody's name. */
function isCrossSite(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

function readRequest(request: FastifyRequest, call: CallContext): PageRequest {
  const question = request.url.indexOf('?')
  return {
    params: request.params as Record<string, string>,
    query: new URLSearchParams(question === -1 ? '' : request.url.slice(question)),
    form: request.body instanceof URLSearchParams ? request.body : new URLSearchParams(),
    cookies: readCookies(request.headers.cookie),
    call,
  }
}

/** The first of each name counts (RFC 6265, section 5.4: the one with the longer path comes first). */
function readCookies(header = ''): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const part of header.split(';')) {
    const equals = part.indexOf('=')
    const name = part.slice(0, equals).trim()
    if (equals > 0 && !cookies.has(name)) cookies.set(name, part.slice(equals + 1).trim())
  }
  return cookies
}

function write(reply: FastifyReply, answer: PageAnswer): FastifyReply {
  if (answer.kind === 'asset') {
    return reply
      .headers({ 'x-content-type-options': 'nosniff', 'cache-control': `public, max-age=${ASSET_MAX_AGE_S}` })
      .type(answer.type)
      .send(answer.body)
  }
  reply.headers(PAGE_HEADERS)
  for (const { name, value, maxAgeS } of answer.cookies ?? []) {
    reply.header('set-cookie', `${name}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax`)
  }
  if (answer.kind === 'see-other') return reply.code(303).header('location', answer.location).send()
  if (answer.retryAfterS !== undefined) reply.header('retry-after', String(answer.retryAfterS))
  return reply.code(answer.status).type('text/html; charset=utf-8').send(answer.html)
}
