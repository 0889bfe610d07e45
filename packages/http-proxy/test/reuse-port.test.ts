import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { createHttpProxy } from '../src/index.ts'
import { ask, proxyBefore, upstream } from './rig.ts'

const skip = process.platform === 'linux' ? false : 'Linux alone spreads connections over those that listen on one port.'

test('proxies that share a port share its connections, and one that drains leaves them to the others', { skip }, async (t) => {
  const named = (name: string) => upstream(t, (_request, response) => response.end(name))
  const [one, other] = [await named('one'), await named('other')]
  const { proxy, port } = await proxyBefore(t, { side: { url: one.url } }, { reusePort: true })
  const second = createHttpProxy({
    routes: [{ path: '/side', service: 'side' }],
    upstreams: new Map([['side', other.url]]),
    reusePort: true,
  })
  t.after(() => second.drain())
  assert.equal(await second.listen(port), port)

  const answers = async () => {
    // Each on a connection of its own, placed by a hash of its port: that forty all went one way would be a chance of 1 in 2^39.
    const bodies = await Promise.all(Array.from({ length: 40 }, async () => (await ask(port, { path: '/side' })).body))
    return new Set(bodies)
  }
  assert.deepEqual(await answers(), new Set(['one', 'other']))
  await proxy.drain()
  assert.deepEqual(await answers(), new Set(['other']))
})

test('a port that is shared is not had by one that does not share it', { skip }, async (t) => {
  const { url } = await upstream(t)
  const { port } = await proxyBefore(t, { side: { url } }, { reusePort: true })
  const alone = createHttpProxy({ routes: [{ path: '/side', service: 'side' }], upstreams: new Map([['side', url]]) })
  await assert.rejects(alone.listen(port), (error) => error instanceof ConfigurationError && /is taken/.test(error.message))
})
