import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, upstream, valuesOf } from '../rig.ts'
import { fileOf, stranglerWith, temporaryFolder } from './rig.ts'

test('an upstream is asked for its own address, or for the host of the client where it is to be preserved, and a change of that is taken', async (t) => {
  const [monolith, reviews] = [await upstream(t), await upstream(t)]
  const folder = temporaryFolder(t)
  const listen = { port: 0, hosts: ['shop.example'] }
  const upstreams = (preserveHost: boolean) => ({
    monolith: { urls: [monolith.url.origin], preserveHost },
    reviews: { urls: [reviews.url.origin] },
  })
  const fileWith = (preserveHost: boolean) =>
    fileOf(folder, { monolith: monolith.url, reviews: reviews.url, listen, upstreams: upstreams(preserveHost) })
  const { gateway, port } = await stranglerWith(t, fileWith(true))
  const asked = async () => {
    await ask(port, { path: '/', headers: { host: 'shop.example:8443' } })
    const { rawHeaders } = monolith.received.at(-1)!
    assert.deepEqual(valuesOf(rawHeaders, 'x-forwarded-host'), ['shop.example:8443'])
    return valuesOf(rawHeaders, 'host')
  }
  assert.deepEqual(await asked(), ['shop.example:8443'])
  gateway.configure(fileWith(false))
  assert.deepEqual(await asked(), [monolith.url.host])
})
