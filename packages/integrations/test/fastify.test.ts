import { Readable } from 'node:stream'
import { guarded, problemDetails } from '@seaworthy/integrations/fastify'
import { fastify } from 'fastify'
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
