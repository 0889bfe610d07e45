import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { type StoredDocument, checksum, documentProjection } from 'seaworthy/projections'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { balances, documentWorld } from './document-world.ts'

void suite('a projection into documents', () => {
  test('builds each document from its events, once each, and lists them', async (t) => {
    const { append, deposit, start, caughtUp, store } = await documentWorld(t)
    for (let round = 1; round <= 7; round++) await deposit(round % 2 === 0 ? 'ada' : 'grace', round)
    await append('ada', 'renamed', {})
    await append('a transfer', 'transferred', { from: 'ada', to: 'hal', cents: 20 })
    const running = start(balances(), { batchSizeMax: 2 })
    await caughtUp(running)
    assert.deepEqual([...running.partitions.values()], [{ kind: 'running' }])
    const content = (documents: readonly StoredDocument[]) => documents.map(({ key, document }) => [key, document])
    const { documents, version } = await store.list('balances', { in: 'credit', offset: 0, max: 10 })
    assert.deepEqual([version, content(documents)], [1, [['hal', { cents: 20, events: 1 }], ['grace', { cents: 16, events: 4 }]]]) // prettier-ignore
    const debt = await store.list('balances', { in: 'debt', offset: 0, max: 10 })
    assert.deepEqual(content(debt.documents), [['ada', { cents: -8, events: 4 }]])
    await append('ada', 'closed', {})
    await caughtUp(running)
    assert.equal((await store.find('balances', 'ada')).document, undefined)
  })

  test('goes on from its checkpoint when it is started again, and two at one time apply each event once', async (t) => {
    const { deposit, start, caughtUp, centsOf } = await documentWorld(t)
    for (let round = 0; round < 20; round++) await deposit('ada', 1)
    const both = [start(balances(), { batchSizeMax: 2 }), start(balances(), { batchSizeMax: 3 })]
    for (let round = 0; round < 20; round++) await deposit('ada', 1)
    await caughtUp(both[0]!)
    await Promise.all(both.map((one) => one.stop()))
    await deposit('ada', 1)
    const again = start(balances())
    await caughtUp(again)
    assert.deepEqual(await centsOf(), { ada: 41 })
  })

  test('refuses versions and numbers of partitions that make no sense', () => {
    for (const wrong of [{ version: 0 }, { version: 1.5 }, { version: 1, partitions: 0 }, { version: 1, partitions: 2_000 }]) {
      assert.throws(() => documentProjection({ name: 'p', on: {}, ...wrong }), ConfigurationError)
    }
  })

  test('reads no further and leaves no timer when it is stopped', async (t) => {
    const { deposit, start, centsOf } = await documentWorld(t)
    const clock = new VirtualClock()
    const running = start(balances({ partitions: 2 }), { clock, pollMs: 60_000 })
    await eventually('both parts wait', () => clock.pending.length === 2)
    await running.stop()
    await deposit('ada', 1)
    assert.deepEqual([clock.pending, await centsOf(1, 2), running.partitions.size], [[], {}, 2])
  })
})

void suite('the checksum of a document', () => {
  test('is the same for the same content in any order of fields, and another for any other', () => {
    const one = checksum({ a: 1, b: { c: [1, 2], d: undefined } }, { in: 'x', at: 1 })
    assert.equal(one, checksum({ b: { c: [1, 2] }, a: 1 }, { in: 'x', at: 1 }))
    const others = [
      checksum({ a: 1, b: { c: [2, 1] } }, { in: 'x', at: 1 }),
      checksum({ a: '1', b: { c: [1, 2] } }, { in: 'x', at: 1 }),
      checksum({ a: 1, b: { c: [1, 2] } }, { in: 'x', at: 2 }),
      checksum({ a: 1, b: { c: [1, 2] } }, undefined),
      checksum([['a', 1]], undefined),
      checksum({ a: 1 }, undefined),
    ]
    assert.equal(new Set([one, ...others]).size, 7)
  })
})
