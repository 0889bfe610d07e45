import { describe, test } from 'node:test'
import { assertFramedAlike } from '../fuzz/assert-framed-alike.ts'
import { fuzz } from '../fuzz/fuzz.ts'
import { upstreams } from '../fuzz/upstreams.ts'

const INPUTS = 2_000
const SEED = Number(process.env['SEAWORTHY_FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000))

describe('random bytes', () => {
  for (const name of ['nginx', 'python']) {
    test(`are framed alike by the proxy, a strict reader and ${name} (seed ${SEED})`, async (t) => {
      const upstream = await upstreams[name]!()
      t.after(() => upstream.stop())
      assertFramedAlike(await fuzz({ upstream, from: 0, inputs: INPUTS, seed: SEED }), INPUTS)
    })
  }
})
