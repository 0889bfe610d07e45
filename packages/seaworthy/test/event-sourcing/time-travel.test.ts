import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { ConfigurationError } from 'seaworthy/core'
import { type CommandHandlerOptions, commandHandler, replayAll, replayStream } from 'seaworthy/event-sourcing'
import { VirtualClock, inMemoryDatabase, inMemoryEventStore } from '@seaworthy/testing'
import { type Account, type AccountCommand, type AccountEvent, account, accountEvents } from './account.ts'

type Options = Partial<CommandHandlerOptions<Account, AccountCommand, AccountEvent>>

const open: AccountCommand = { type: 'open', owner: 'ada' }
const deposit = (amountCents: number): AccountCommand => ({ type: 'deposit', amountCents })

function accountsAt(clock: VirtualClock, options: Options = {}) {
  const database = inMemoryDatabase()
  const store = inMemoryEventStore({ clock })
  const common = { decider: account, events: accountEvents, store, database, schemaVersion: 1, clock }
  return { store, accounts: commandHandler({ ...common, ...options }), common }
}

void suite('a stream at a moment', () => {
  test('is what it was when it had that version, with and without snapshots', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 20 }), async (amounts) => {
        const { accounts } = accountsAt(new VirtualClock(), { snapshotEvery: 3 })
        const states = [(await accounts.execute('a', open)).state]
        for (const amount of amounts) states.push((await accounts.execute('a', deposit(amount))).state)
        for (const [index, state] of states.entries()) {
          assert.deepEqual(await accounts.loadAt('a', { version: index + 1 }), { state, version: index + 1, snapshotVersion: 0 })
        }
        assert.equal((await accounts.loadAt('a', { version: 1_000 })).version, states.length)
        assert.deepEqual(await accounts.loadAt('a', { version: 0 }), { state: account.initial(), version: 0, snapshotVersion: 0 })
      }),
      { numRuns: 20 },
    )
  })

  test('is what it was at that time', async () => {
    const clock = new VirtualClock()
    const { accounts } = accountsAt(clock)
    await accounts.execute('a', open)
    await clock.advance(1_000)
    const betweenMs = clock.now()
    await accounts.execute('a', deposit(5))
    await clock.advance(1_000)
    await accounts.execute('a', deposit(7))
    assert.equal((await accounts.loadAt('a', { timeMs: betweenMs - 1 })).version, 1)
    assert.equal((await accounts.loadAt('a', { timeMs: betweenMs })).state.balanceCents, 5)
    assert.equal((await accounts.loadAt('a', { timeMs: clock.now() })).state.balanceCents, 12)
  })

  test('is replayed with the state on both sides of each event', async () => {
    const { accounts, store } = accountsAt(new VirtualClock())
    await accounts.execute('a', open)
    await accounts.execute('a', deposit(5))
    const balances: unknown[] = []
    for await (const { stored, event, before, after } of replayStream({ decider: account, events: accountEvents, store, stream: 'a' })) {
      balances.push([stored.version, event.type, before.balanceCents, after.balanceCents])
    }
    assert.deepEqual(balances, [
      [1, 'opened', 0, 0],
      [2, 'deposited', 0, 5],
    ])
  })
})

void suite('all streams at a moment', () => {
  test('are replayed up to a position, a time, or what is there when it begins', async () => {
    const clock = new VirtualClock()
    const { accounts, store } = accountsAt(clock)
    await accounts.execute('a', open)
    await accounts.execute('b', open)
    const { position } = (await store.read('b'))[0]!
    const earlyMs = clock.now()
    await clock.advance(10)
    await accounts.execute('a', deposit(1))
    const streams = async (options?: Parameters<typeof replayAll>[1]) => {
      const seen: string[] = []
      for await (const { stream, version } of replayAll(store, options)) {
        seen.push(`${stream}${version}`)
        if (options === undefined) await accounts.execute('a', deposit(1))
      }
      return seen
    }
    assert.deepEqual(await streams({ until: { position } }), ['a1', 'b1'])
    assert.deepEqual(await streams({ until: { timeMs: earlyMs } }), ['a1', 'b1'])
    assert.deepEqual(await streams({ after: position }), ['a2'])
    assert.deepEqual(await streams(), ['a1', 'b1', 'a2'])
  })
})

void suite('a snapshot', () => {
  test('is taken with the next events once the last one is old', async () => {
    const clock = new VirtualClock()
    const { accounts } = accountsAt(clock, { snapshotAfterMs: 1_000 })
    await accounts.execute('a', open)
    await accounts.execute('a', deposit(1))
    assert.equal((await accounts.load('a')).snapshotVersion, 0)
    await clock.advance(1_000)
    await accounts.execute('a', deposit(1))
    assert.equal((await accounts.load('a')).snapshotVersion, 3)
    await clock.advance(999)
    await accounts.execute('a', deposit(1))
    assert.equal((await accounts.load('a')).snapshotVersion, 3)
    await clock.advance(1)
    await accounts.execute('a', deposit(1))
    assert.deepEqual([(await accounts.load('a')).snapshotVersion, (await accounts.load('a')).state.balanceCents], [5, 4])
  })

  test('is taken on demand, where snapshots are used', async () => {
    const { accounts, store } = accountsAt(new VirtualClock(), { snapshotEvery: Number.POSITIVE_INFINITY })
    assert.equal(await accounts.takeSnapshot('a'), undefined)
    await accounts.execute('a', open)
    await accounts.execute('a', deposit(1))
    assert.equal(await store.loadSnapshot('a'), undefined)
    assert.equal(await accounts.takeSnapshot('a'), 2)
    assert.equal((await accounts.load('a')).snapshotVersion, 2)
    await assert.rejects(accountsAt(new VirtualClock()).accounts.takeSnapshot('a'), ConfigurationError)
  })

  test('from newer code is ignored, and told once', async () => {
    const { accounts, common } = accountsAt(new VirtualClock(), { snapshotEvery: Number.POSITIVE_INFINITY })
    await accounts.execute('a', open)
    await commandHandler({ ...common, schemaVersion: 2, snapshotEvery: 1 }).takeSnapshot('a')
    const warnings: string[] = []
    const listen = (warning: Error) => warnings.push(warning.message)
    process.on('warning', listen)
    try {
      const first = once(process, 'warning')
      for (let time = 0; time < 3; time++) assert.equal((await accounts.load('a')).snapshotVersion, 0)
      await first
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(warnings.filter((text) => text.includes('newer code (schema version 2, this is 1)')).length, 1)
    } finally {
      process.off('warning', listen)
    }
  })
})
