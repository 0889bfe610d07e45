import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { jsonListener } from '../../src/cut-over/wire.ts'

test('whoever has no token is refused before anything of their body is read', async (t) => {
  const server = createServer(jsonListener({ 'POST /copy': async () => 'copied' }, 'secret-1')).listen(0, '127.0.0.1')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const asking = request({ port, host: '127.0.0.1', method: 'POST', path: '/copy', headers: { 'content-length': 1_000_000 } })
  asking.on('error', () => undefined)
  // The rest never comes.
  asking.write('{')
  const [response] = (await once(asking, 'response')) as [{ statusCode: number }]
  assert.equal(response.statusCode, 401)
  asking.destroy()
})
