import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isSameSecret } from 'seaworthy/http'
import { type Credentials, accessBy } from '../access.ts'
import { sendProblem } from './problem.ts'

/**
 * The page loads nothing from elsewhere and can be framed by nobody. Styles are set by script through the CSSOM, which
 * this policy allows; style attributes in HTML it does not.
 */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** Answered to anybody: they say nothing but that the process lives. */
const HEALTH = new Set(['/healthz', '/readyz'])
const COOKIE = 'seaworthy_console_token'

/**
 * The console has no accounts: whoever reaches it may read every trace. It listens on loopback, or asks whoever is elsewhere for its token, and what a browser on the same
 * machine could be tricked into is refused: a foreign name that resolves to 127.0.0.1 (DNS rebinding) by the `Host` header, and
 * requests that another site's page makes by `Origin` and `Sec-Fetch-Site`.
 */
export function protect(
  app: FastifyInstance,
  options: { readonly hostNames: readonly string[]; readonly token?: string | undefined },
): void {
  const isAllowed = accessBy(options.token)
  const allowed = new Set([...LOOPBACK_NAMES, ...options.hostNames].map((name) => name.toLowerCase()))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    const host = hostName(request.headers.host)
    if (host === undefined || !allowed.has(host)) {
      return sendProblem(
        reply,
        421,
        `The console answers to ${[...allowed].join(', ')}, not to "${request.headers.host ?? ''}". Call it by one of those names, or add yours to SEAWORTHY_CONSOLE_HOSTS.`,
      )
    }
    if (isForeign(request))
      return sendProblem(reply, 403, 'The console answers to its own page and to programs, not to pages of other sites.')
    const [path = '', query = ''] = request.url.split('?')
    if (HEALTH.has(path) || isAllowed(credentials(request))) return undefined
    const given = request.method === 'GET' ? (new URLSearchParams(query).get('token') ?? undefined) : undefined
    if (options.token === undefined || !isSameSecret(given, options.token))
      return sendProblem(
        reply.header('www-authenticate', 'Bearer realm="seaworthy console"'),
        401,
        'Send the console’s token as authorization: Bearer TOKEN; in a browser open its page once with ?token=TOKEN.',
      )
    // Out of the address at once: addresses are kept in histories. The cookie goes nowhere else, and no script reads it.
    return reply
      .header('set-cookie', `${COOKIE}=${options.token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${COOKIE_SECONDS}`)
      .redirect(path.replace(/^\/+/, '/'), 303)
  })
}

const COOKIE_SECONDS = 30 * 86_400

/** What of a request says who sent it. */
export function credentials({ headers, socket }: FastifyRequest): Credentials {
  const cookie = (headers.cookie ?? '').split(/;\s*/).find((each) => each.startsWith(`${COOKIE}=`))
  return {
    address: socket.remoteAddress,
    authorization: headers.authorization,
    cookie: cookie?.slice(COOKIE.length + 1),
    isForwarded: headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined || headers.via !== undefined,
  }
}

function hostName(host: string | undefined): string | undefined {
  return /^(?<name>\[[0-9a-f:]+\]|[^:/@\s]+)(?::\d{1,5})?$/i.exec(host ?? '')?.groups?.['name']?.toLowerCase()
}

/** Programs send neither header; browsers send one or both with every request that a foreign page could cause. */
function isForeign(request: FastifyRequest): boolean {
  const { origin, host } = request.headers
  const site = request.headers['sec-fetch-site']
  // A link from elsewhere may open the page: that shows it to the user, and nothing to the site.
  const isNavigation = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate'
  if ((site === 'cross-site' || site === 'same-site') && !isNavigation) return true
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`
}
