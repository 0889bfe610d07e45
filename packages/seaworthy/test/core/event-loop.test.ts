import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextMacrotask } from 'seaworthy/core'

test('nextMacrotask comes after the promises that are ready, and can be cancelled', async () => {
  const seen: string[] = []
  const fired = new Promise<void>((resolve) => {
    nextMacrotask(() => {
      seen.push('macrotask')
      resolve()
    })
  })
  nextMacrotask(() => seen.push('cancelled')).cancel()
  await Promise.resolve().then(() => seen.push('promise'))
  await fired
  assert.deepEqual(seen, ['promise', 'macrotask'])
})
