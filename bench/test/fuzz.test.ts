import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertFramedAlike } from '../fuzz/assert-framed-alike.ts'
import { fuzz } from '../fuzz/fuzz.ts'
import { cutsOf, inputOf } from '../fuzz/inputs.ts'
import { upstreams } from '../fuzz/upstreams.ts'

const INPUTS = Number(process.env['SEAWORTHY_FUZZ_INPUTS'] ?? 2_000)
const SEED = Number(process.env['SEAWORTHY_FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000))

describe('random bytes', () => {
  test(`are framed alike by the proxy, a strict reader and node:http (seed ${SEED})`, async (t) => {
    const upstream = await upstreams['node']!()
    t.after(() => upstream.stop())
    assertFramedAlike(await fuzz({ upstream, inputs: INPUTS, seed: SEED }), INPUTS)
  })

  test('are the same for the same seed', () => {
    assert.equal(inputOf(7), inputOf(7))
    assert.deepEqual(cutsOf(7, 100), cutsOf(7, 100))
    assert.equal(new Set(Array.from({ length: 100 }, (_, seed) => inputOf(seed))).size > 90, true)
  })
})
