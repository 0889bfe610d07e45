import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { test } from 'node:test'
import { guarded, problemDetails } from '@seaworthy/integrations/hono'
import { Hono } from 'hono'
import { currentContext } from 'seaworthy/core'
import { describeWayIn, type Serve } from './way-in.ts'

const serve: Serve = async (t, guard, application) => {
  const app = new Hono()
  app.use(guarded(guard))
  app.onError(problemDetails)
  app.get('/value', async (c) => c.json((await application.value()) as string))
  app.post('/echo', async (c) => c.json((await application.echo(await c.req.json())) as string))
  app.get('/stream', (c) =>
    c.body(Readable.toWeb(Readable.from(application.stream()).map((chunk) => Buffer.from(chunk as string))) as ReadableStream),
  )
  const server = createServer((request, response) => void answer(app, request, response))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Hono on Node's server: the least that a server under it does. */
async function answer(app: Hono, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) left.abort()
  })
  const hasBody = request.method === 'POST'
  const answered = await app.fetch(
    new Request(`http://${request.headers.host}${request.url}`, {
      method: request.method!,
      headers: new Headers(request.headers as Record<string, string>),
      signal: left.signal,
      ...(hasBody && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' as const }),
    }),
  )
  response.writeHead(answered.status, Object.fromEntries(answered.headers))
  if (answered.body === null) response.end()
  else
    Readable.fromWeb(answered.body as NodeStream)
      .on('error', () => response.destroy())
      .pipe(response)
}

describeWayIn('Hono', serve)

test('Hono: a client that left before its turn is told of to the handler', async () => {
  const app = new Hono()
  app.use(guarded({ run: (body, call) => body(call!) }))
  app.get('/', (c) => c.text(String(currentContext()?.signal?.aborted)))
  const answered = await app.fetch(new Request('http://stock.test/', { signal: AbortSignal.abort() }))
  assert.equal(await answered.text(), 'true')
})
