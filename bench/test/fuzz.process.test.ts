import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { assertFramedAlike } from '../fuzz/assert-framed-alike.ts'
import { fuzz, type InputRange } from '../fuzz/fuzz.ts'
import { cutsOf, inputOf } from '../fuzz/inputs.ts'
import { upstreams } from '../fuzz/upstreams.ts'

const INPUTS = Number(process.env['SEAWORTHY_FUZZ_INPUTS'] ?? 2_000)
const SEED = Number(process.env['SEAWORTHY_FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000))

describe('random bytes', () => {
  test(`are framed alike by the proxy, a strict reader and node:http (seed ${SEED})`, async (t) => {
    const upstream = await upstreams['node']!()
    t.after(() => upstream.stop())
    assertFramedAlike(await fuzz({ upstream, from: 0, inputs: INPUTS, seed: SEED }), INPUTS)
  })

  test('are found where an upstream reads them otherwise, whoever tries which of them', async (t) => {
    const upstream = createServer((request, response) =>
      request.resume().on('end', () => response.end(`<${request.method} ${request.url} ${request.method === 'PUT' ? 999 : '-'}>`)),
    )
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    t.after(() => {
      upstream.close()
      upstream.closeAllConnections()
    })
    const { port } = upstream.address() as AddressInfo
    const found = async (range: Omit<InputRange, 'seed'>) =>
      (await fuzz({ upstream: { port }, seed: SEED, ...range })).findings.map(({ seed }) => seed)
    const all = await found({ from: 0, inputs: 60 })
    assert.ok(all.length > 5, `only ${all.length} were found`)
    const parts = [
      { from: 0, inputs: 20 },
      { from: 20, inputs: 40, every: 2 },
      { from: 21, inputs: 39, every: 2 },
    ]
    assert.deepEqual(new Set((await Promise.all(parts.map(found))).flat()), new Set(all))
  })

  test('are the same for the same seed', () => {
    assert.equal(inputOf(7), inputOf(7))
    assert.deepEqual(cutsOf(7, 100), cutsOf(7, 100))
    assert.equal(new Set(Array.from({ length: 100 }, (_, seed) => inputOf(seed))).size > 90, true)
  })
})
