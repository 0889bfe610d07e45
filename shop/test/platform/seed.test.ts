import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contextOrRoot, propagated } from 'seaworthy/core'
import { seeding } from '../../platform/seed.ts'

describe('seeding', () => {
  test('invents the shop of the number it was told, or of its own', async () => {
    const seeds: number[] = []
    const invent = async (seed: number) => void seeds.push(seed)
    await seeding(invent, { SHOP_SEED: '7' })
    await seeding(invent, {})
    await seeding(invent, { SHOP_SEED: '' })
    assert.equal(seeds[0], 7)
    assert.equal(seeds[1], seeds[2])
  })

  test('invents nothing when there is to be nothing, and refuses nonsense', async () => {
    const invent = () => assert.fail('invented')
    await seeding(invent, { SHOP_SEED: 'none' })
    for (const SHOP_SEED of ['much', '-1', '1.5']) await assert.rejects(seeding(invent, { SHOP_SEED }), { code: 'configuration' })
  })

  test('puts all that it publishes into one trace, which is not recorded', async () => {
    const traces = new Set<string | undefined>()
    await seeding(
      async () => {
        for (let event = 0; event < 3; event++) traces.add(propagated(contextOrRoot()).traceparent)
      },
      { SHOP_SEED: '7' },
    )
    assert.equal(traces.size, 1)
    assert.match([...traces][0] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })
})
