import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './problem.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Beside the sources in a checkout, and beside the compiled files in the package: the same place from both. */
const BUILT_PAGE = fileURLToPath(new URL('../../dist/web/', import.meta.url))

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Seaworthy console: not built</title>
<link rel="icon" href="data:,">
<h1>The page has not been built</h1>
<p>The console receives traces and answers its API, but its page is missing. In the repository run</p>
<pre>npm run build:console</pre>
<p>and load this address again. The data is there already: <a href="/api/services">/api/services</a>, <a href="/api/traces">/api/traces</a>.</p>
</html>
`

/** The built page. Its assets carry a hash of their content in their names, and never change; its HTML names them, and is always asked for. */
export function registerPage(app: FastifyInstance, folder = BUILT_PAGE): void {
  for (const address of addressesOf(folder)) {
    app.get(address, ({ params }, reply) => {
      const data = FIRST_DATA[address]?.(params as Readonly<Record<string, string>>)
      // The browser asks for it at once, while it still fetches and compiles the scripts that will.
      if (data !== undefined) reply.header('link', `<${data}>; rel=preload; as=fetch; crossorigin`)
      return sendPage(reply, folder, 200)
    })
  }

  app.get<{ Params: { name: string } }>('/assets/:name', async (request, reply) => {
    const { name } = request.params
    // One plain file name: nothing that leads out of the folder.
    const content = /^[\w-]+(?:\.[\w-]+)+$/.test(name) ? await readFile(join(folder, 'assets', name)).catch(() => undefined) : undefined
    if (content === undefined) return sendProblem(reply, 404, `There is no asset ${name}. Load the page again: it was built anew.`)
    return reply
      .type(TYPES[extname(name)] ?? 'application/octet-stream')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(content)
  })
}

/** What a page is nothing without, by its address. */
const FIRST_DATA: Readonly<Record<string, (params: Readonly<Record<string, string>>) => string | undefined>> = {
  '/traces/:traceId': ({ traceId = '' }) => (/^[0-9a-f]{32}$/i.test(traceId) ? `/api/traces/${traceId.toLowerCase()}/outline` : undefined),
}

/** The page's own addresses, so that a link to a trace or a span can be sent to somebody: as the build has written them down. */
function addressesOf(folder: string): ReadonlySet<string> {
  try {
    return new Set(JSON.parse(readFileSync(join(folder, 'addresses.json'), 'utf8')) as string[])
  } catch {
    // It has not been built, which is said at the one address that everybody knows.
    return new Set(['/'])
  }
}

/** Addresses of programs: what is not there is said in their language, whoever asks. */
const FOR_PROGRAMS = /^\/(?:api|v1|assets)(?:\/|$)/

/** Whoever asks for HTML at an unknown address gets the page, which says so and leads on; programs get Problem Details. */
export function notFound(folder = BUILT_PAGE) {
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> => {
    const [path = ''] = request.url.split('?')
    const wantsPage = request.method === 'GET' && !FOR_PROGRAMS.test(path) && (request.headers.accept ?? '').includes('text/html')
    return wantsPage ? sendPage(reply, folder, 404) : sendProblem(reply, 404, `There is no ${request.method} ${path}.`)
  }
}

async function sendPage(reply: FastifyReply, folder: string, status: 200 | 404): Promise<FastifyReply> {
  const page = await readFile(join(folder, 'index.html')).catch(() => undefined)
  return reply
    .code(page === undefined ? 503 : status)
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-cache')
    .send(page ?? NOT_BUILT)
}
