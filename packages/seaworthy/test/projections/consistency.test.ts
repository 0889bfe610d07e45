import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { InvalidInputError } from 'seaworthy/core'
import {
  type ReadAfter,
  StaleReadError,
  consistencyToken,
  consistencyTokenOf,
  joinConsistencyTokens,
  keyCheckpoint,
  readAfter,
  readConsistencyToken,
  readConsistencyTokens,
} from 'seaworthy/projections'
import { VirtualClock, eventually, inMemoryReadStore } from '@seaworthy/testing'
import { balances, documentWorld } from './document-world.ts'

void suite('reading your writes', () => {
  test('a query with the token of a command waits until the read model has it', async (t) => {
    const { deposit, start, store, source } = await documentWorld(t)
    const version = await deposit('ada', 5)
    const token = await consistencyTokenOf(source, { stream: 'ada', version })
    const found = readAfter({ store, projection: 'balances', token }).then(() => store.find('balances', 'ada'))
    start(balances({ partitions: 2 }))
    assert.deepEqual((await found).document?.document, { cents: 5, events: 1 })
  })

  test('a token of one partition does not count for another that has not begun', async () => {
    const store = inMemoryReadStore()
    await store.makeLive('p', { from: 0, to: 1 })
    await store.write({ projection: 'p', version: 1 }, { checkpoint: '0/2', from: 0, to: 9, changes: [] })
    const token = consistencyToken({ kind: 'position', position: 9 })
    await assert.rejects(readAfter({ store, projection: 'p', token, timeoutMs: 5, pollMs: 1 }), StaleReadError)
    await store.write({ projection: 'p', version: 1 }, { checkpoint: '1/2', from: 0, to: 9, changes: [] })
    await readAfter({ store, projection: 'p', token })
  })

  test('it waits no longer than it was told, and says when to ask again', async () => {
    const store = inMemoryReadStore()
    const clock = new VirtualClock()
    const token = consistencyToken({ kind: 'event', topic: 'orders', key: 'o-1', sequence: 2 })
    const waiting = assert.rejects(readAfter({ store, projection: 'p', token, timeoutMs: 25, clock }), (error) => {
      assert.ok(error instanceof StaleReadError)
      assert.deepEqual([error.code, error.executed, error.retryAfterMs], ['unavailable', 'no', 25])
      return true
    })
    for (const ms of [10, 10, 5]) {
      await eventually('it waits', () => clock.pending.length === 1)
      await clock.advance(ms)
    }
    await waiting
    assert.deepEqual(clock.pending, [])
  })

  test('a token that does not lead to the read model is refused at once, and one that does is waited for', async () => {
    const store = inMemoryReadStore()
    const clock = new VirtualClock()
    const leadsHere = (wanted: ReadAfter) => wanted.kind === 'position'
    const asked = { store, projection: 'payments', leadsHere, clock }
    await assert.rejects(readAfter({ ...asked, token: 'orders/o-1@2' }), InvalidInputError)
    assert.deepEqual(clock.pending, [])
    const waiting = assert.rejects(readAfter({ ...asked, token: '@2', timeoutMs: 5 }), StaleReadError)
    await eventually('it waits', () => clock.pending.length === 1)
    await clock.advance(5)
    await waiting
  })

  test('of the tokens of several services a query waits for those that lead to it, and is refused when none does', async () => {
    const store = inMemoryReadStore()
    await store.makeLive('payments', { from: 0, to: 1 })
    await store.write({ projection: 'payments', version: 1 }, { checkpoint: '0/1', from: 0, to: 7, changes: [] })
    const order = consistencyToken({ kind: 'event', topic: 'orders', key: 'o-1', sequence: 2 })
    const paid = (position: number) => consistencyToken({ kind: 'position', store: 'payments', position })
    const leadsHere = (wanted: ReadAfter) => wanted.kind === 'position' && wanted.store === 'payments'
    const asked = { store, projection: 'payments', leadsHere, timeoutMs: 1, pollMs: 1 }
    assert.equal(joinConsistencyTokens(order, undefined, paid(7)), 'orders/o-1@2, payments@7')
    await readAfter({ ...asked, token: joinConsistencyTokens(order, paid(7)) })
    await assert.rejects(readAfter({ ...asked, token: joinConsistencyTokens(paid(7), order, paid(8)) }), StaleReadError)
    await assert.rejects(readAfter({ ...asked, token: joinConsistencyTokens(order, 'mail@7') }), InvalidInputError)
    await assert.rejects(readAfter({ ...asked, token: `${paid(7)}, nonsense` }), InvalidInputError)
    assert.throws(() => readConsistencyTokens(Array.from({ length: 17 }, () => '@1').join(',')), InvalidInputError)
  })

  test('it ends with its signal, and waits for nothing without a token', async () => {
    const store = inMemoryReadStore()
    await readAfter({ store, projection: 'p', token: undefined })
    await assert.rejects(readAfter({ store, projection: 'p', token: '@1', signal: AbortSignal.abort(new Error('gone')) }), /gone/)
  })

  test('a token of an event waits for the key of that topic, in the live version', async () => {
    const store = inMemoryReadStore()
    const checkpoint = keyCheckpoint('orders', 'o/1')
    await store.makeLive('p', { from: 0, to: 1 })
    await store.write({ projection: 'p', version: 1 }, { checkpoint, from: 0, to: 2, changes: [] })
    const token = (sequence: number) => consistencyToken({ kind: 'event', topic: 'orders', key: 'o/1', sequence })
    await readAfter({ store, projection: 'p', token: token(2) })
    await assert.rejects(readAfter({ store, projection: 'p', token: token(3), timeoutMs: 1 }), StaleReadError)
    await store.makeLive('p', { from: 1, to: 2, evenIfBehind: true })
    await assert.rejects(readAfter({ store, projection: 'p', token: token(1), timeoutMs: 1 }), StaleReadError)
  })

  test('tokens are visible ASCII and come back as they went; anything else is refused', () => {
    for (const after of [
      { kind: 'position', position: 0 },
      { kind: 'position', store: 'the ledger, @ home', position: 7 },
      { kind: 'event', topic: 'orders', key: 'ü/@, \n', sequence: 3 },
    ] as const) {
      const token = consistencyToken(after)
      assert.match(token, /^[\x21-\x7e]+$/)
      assert.deepEqual(readConsistencyToken(token), after)
    }
    for (const wrong of ['', '@', '@-1', '@1x', 'or ders@1', '%@1', 'a/b/c@1', 'a/%@1', `a/${'k'.repeat(2_000)}@1`, '@99999999999999999']) {
      assert.throws(() => readConsistencyToken(wrong), InvalidInputError, wrong)
    }
  })
})
