import assert from 'node:assert/strict'
import type { FuzzResult } from './fuzz.ts'

/** Nothing was found, by inputs that could find something. */
export function assertFramedAlike({ findings, forwarded, refused }: FuzzResult, inputs: number): void {
  assert.deepEqual(
    findings.map(({ seed, why }) => `npm run fuzz -- --show ${seed}: ${why}`),
    [],
  )
  assert.ok(forwarded > inputs / 4, `only ${forwarded} of ${inputs} inputs had a request that went on`)
  assert.ok(refused > inputs / 20, `only ${refused} of ${inputs} inputs had a request that was refused`)
}
