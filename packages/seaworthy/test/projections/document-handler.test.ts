import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { UnsupportedError } from 'seaworthy/core'
import type { Attempt, EventEnvelope } from 'seaworthy/messaging'
import { EventsMissingError, type ReadStore, documentHandler } from 'seaworthy/projections'
import { inMemoryReadStore } from '@seaworthy/testing'
import { balances } from './document-world.ts'

const deposited = (key: string, sequence: number, cents: number, type = 'deposited'): EventEnvelope => ({
  id: `${key}-${sequence}`,
  type,
  version: 1,
  source: 'bank',
  key,
  sequence,
  time: '2026-01-01T00:00:00Z',
  correlationId: 'c',
  data: type === 'transferred' ? { from: key, to: 'hal', cents } : { cents },
})
const attempt: Attempt = { topic: 'bank', attempt: 1, timeoutMs: 1_000, signal: new AbortController().signal, outOfOrder: false }

async function centsOf(store: ReadStore, key: string) {
  return ((await store.find('balances', key)).document?.document as { cents: number } | undefined)?.cents
}

void suite('a projection into documents as a handler of an event log', () => {
  test('applies each event of a key once, however often it comes', async () => {
    const store = inMemoryReadStore()
    const handle = documentHandler({ projection: balances(), store })
    for (const sequence of [1, 1, 2, 1, 2, 3]) await handle(deposited('ada', sequence, 10), attempt)
    assert.equal(await centsOf(store, 'ada'), 30)
  })

  test('counts events of other types, so that none is missed behind them', async () => {
    const store = inMemoryReadStore()
    const handle = documentHandler({ projection: balances(), store })
    await handle(deposited('ada', 1, 10), attempt)
    await handle(deposited('ada', 2, 10, 'renamed'), attempt)
    await handle(deposited('ada', 3, 10), attempt)
    assert.equal(await centsOf(store, 'ada'), 20)
    await assert.rejects(handle(deposited('ada', 5, 10), attempt), EventsMissingError)
    assert.equal(await centsOf(store, 'ada'), 20)
  })

  test('may begin late only where it was told to', async () => {
    const store = inMemoryReadStore()
    await assert.rejects(documentHandler({ projection: balances(), store })(deposited('ada', 4, 1), attempt), EventsMissingError)
    const late = documentHandler({ projection: balances(), store, joinedLate: true })
    await late(deposited('ada', 4, 1), attempt)
    await assert.rejects(late(deposited('ada', 6, 1), attempt), EventsMissingError)
  })

  test('of keys that change one document at one time loses neither', async () => {
    const store = inMemoryReadStore()
    const handle = documentHandler({ projection: balances(), store })
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => handle(deposited(key, 1, 10, 'transferred'), attempt)))
    assert.equal(await centsOf(store, 'hal'), 40)
  })

  test('takes nothing out of order', async () => {
    const handle = documentHandler({ projection: balances(), store: inMemoryReadStore() })
    await assert.rejects(handle(deposited('ada', 1, 1), { ...attempt, outOfOrder: true }), UnsupportedError)
    await assert.rejects(handle(deposited('ada', 0, 1), attempt), UnsupportedError)
  })
})
