import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { guarded, problemDetails } from '@seaworthy/integrations/fastify'
import { fastify } from 'fastify'
import { nextMacrotask } from 'seaworthy/core'
import { describeWayIn, type Serve } from './way-in.ts'

const serve: Serve = async (t, guard, application) => {
  const app = fastify({ forceCloseConnections: true })
  await app.register(guarded(guard))
  app.setErrorHandler(problemDetails)
  const json = (reply: { type(name: string): unknown }, value: unknown) => {
    reply.type('application/json')
    return JSON.stringify(value)
  }
  app.get('/value', async (_request, reply) => json(reply, await application.value()))
  app.post('/echo', async (request, reply) => json(reply, await application.echo(request.body)))
  app.get('/stream', (_request, reply) => reply.send(Readable.from(application.stream())))
  t.after(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

describeWayIn('fastify', serve)

test('fastify: a handler that ends after its caller has been told of the deadline sends nothing more, and alarms nobody', async (t) => {
  const lines: string[] = []
  const app = fastify({
    forceCloseConnections: true,
    logger: { level: 'warn', stream: { write: (line: string) => void lines.push(line) } },
  })
  await app.register(guarded({ run: (body, call) => body(call!) }))
  const gate = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  app.get('/', async () => {
    await gate.promise
    // After what fastify does with the answer.
    nextMacrotask(ended.resolve)
    return 'late'
  })
  t.after(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const response = await fetch(url, { headers: { 'x-request-timeout-ms': '20' } })
  assert.equal(response.status, 504)
  await response.text()
  gate.resolve()
  await ended.promise
  assert.deepEqual(lines, [])
})
