import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { guarded, problemDetails } from '@seaworthy/integrations/express'
import express, { type ErrorRequestHandler } from 'express'
import { currentContext, rootContext } from 'seaworthy/core'
import { loadShedder } from 'seaworthy/resilience'
import { describeWayIn, type Serve } from './way-in.ts'

const serve: Serve = async (t, guard, application) => {
  const app = express()
  app.use(guarded(guard))
  app.use(express.json())
  app.get('/value', async (_request, response) => void response.json(await application.value()))
  app.post('/echo', async (request, response) => void response.json(await application.echo(request.body)))
  app.get(
    '/stream',
    (_request, response) =>
      void Readable.from(application.stream())
        .on('error', () => {})
        .pipe(response),
  )
  app.use(problemDetails)
  app.use(((_error, _request, response, next) => {
    // Express would print the stack.
    if (response.headersSent) next(_error)
    else response.status(500).send('A defect.')
  }) satisfies ErrorRequestHandler)
  app.set('env', 'test')
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describeWayIn('Express', serve)

test('Express: who asks is what the application says, and decides who is served', async (t) => {
  const app = express()
  const seen: (string | undefined)[] = []
  const shedder = loadShedder(
    { eventLoopDelayMaxMs: 10_000 },
    {
      name: 'way in',
      priorityOf: ({ actor }) => {
        seen.push(actor)
        return actor === 'checkout' ? 'critical' : 'sheddable'
      },
    },
  )
  app.use(guarded(shedder, { actorOf: (request) => request.get('x-seaworthy-actor') }))
  app.get('/', (_request, response) => void response.json(currentContext()?.actor))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const response = await fetch(url, { headers: { 'x-seaworthy-actor': 'checkout', 'x-correlation-id': rootContext().correlationId } })
  assert.equal(await response.json(), 'checkout')
  assert.deepEqual(seen, ['checkout'])
})
