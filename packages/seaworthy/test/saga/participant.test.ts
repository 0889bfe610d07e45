import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import {
  InvalidInputError,
  NotFoundError,
  RejectedError,
  SeaworthyError,
  type Transaction,
  UnavailableError,
  watchOperations,
} from 'seaworthy/core'
import { fingerprintOf, participant } from 'seaworthy/saga'
import { InMemoryTransaction, inMemoryDatabase, inMemoryParticipantStore } from '@seaworthy/testing'

function payments(options: { readonly unsafe?: { readonly idempotencyKeys: 'ignored' } } = {}) {
  const part = participant({ database: inMemoryDatabase(), store: inMemoryParticipantStore(), ...options })
  const ledger = { cents: 0, charges: 0 }
  const change = (tx: Transaction, cents: number) => {
    const before = { ...ledger }
    ledger.cents += cents
    ledger.charges += cents > 0 ? 1 : 0
    InMemoryTransaction.of(tx).onRollback(() => Object.assign(ledger, before))
  }
  return {
    ledger,
    part,
    charge: (key: string, cents: number, refuse?: Error) =>
      part.act(key, fingerprintOf({ cents }), async (tx) => {
        change(tx, cents)
        if (refuse !== undefined) throw refuse
        return { number: ledger.charges, cents }
      }),
    refund: (key: string, fail?: Error) =>
      part.compensate<{ cents: number }>(key, async (tx, result) => {
        change(tx, -result.cents)
        if (fail !== undefined) throw fail
      }),
  }
}

/** The names of the operations that `body` performs. */
async function namesOf(body: () => Promise<unknown>): Promise<readonly string[]> {
  const names: string[] = []
  const stops: (() => void)[] = []
  const stopWatching = watchOperations((_kind, channel) => {
    const nothing = () => undefined
    const subscribers = {
      start: ({ name }: { readonly name: string }) => void names.push(name),
      end: nothing,
      asyncStart: nothing,
      asyncEnd: nothing,
      error: nothing,
    }
    channel.subscribe(subscribers)
    stops.push(() => channel.unsubscribe(subscribers))
  })
  try {
    await body()
  } finally {
    stopWatching()
    for (const stop of stops) stop()
  }
  return names
}

const rejected = (reason: string) => (error: unknown) => error instanceof RejectedError && error.reason === reason

void suite('an action under a key', () => {
  test('takes effect once, and is answered each time as it was the first time', async () => {
    const { charge, ledger } = payments()
    const first = await charge('k', 50)
    assert.deepEqual(first, { number: 1, cents: 50 })
    assert.deepEqual(await charge('k', 50), first)
    assert.deepEqual(await charge('other', 50), { number: 2, cents: 50 })
    assert.deepEqual(ledger, { cents: 100, charges: 2 })
  })

  test('that is refused leaves no effect, and is refused each time, even where it would be accepted now', async () => {
    const { charge, ledger } = payments()
    await assert.rejects(charge('k', 50, new RejectedError('card-declined', 'No.')), rejected('card-declined'))
    await assert.rejects(charge('k', 50), rejected('card-declined'))
    assert.deepEqual(ledger, { cents: 0, charges: 0 })
  })

  test('is refused again with the error of the first time', async () => {
    const { charge } = payments()
    const errors = [
      new InvalidInputError('Too little.', [{ field: 'cents', message: 'too little' }]),
      new NotFoundError('No such account.'),
      new SeaworthyError('frozen', 'The account is frozen.', { executed: 'no', final: true }),
    ]
    for (const [index, first] of errors.entries()) {
      await assert.rejects(charge(`k${index}`, 1, first), (error) => error === first)
      await assert.rejects(charge(`k${index}`, 1), (error) => {
        assert.ok(error instanceof first.constructor && error instanceof SeaworthyError)
        assert.deepEqual([error.code, error.message, error.executed, error.final], [first.code, first.message, 'no', true])
        if (error instanceof InvalidInputError) assert.deepEqual(error.fields, [{ field: 'cents', message: 'too little' }])
        return true
      })
    }
  })

  test('that failed is not remembered: it may go well next time', async () => {
    const { charge, ledger } = payments()
    await assert.rejects(charge('k', 50, new UnavailableError('The bank is closed.')), UnavailableError)
    await assert.rejects(charge('k', 50, new TypeError('a bug')), TypeError)
    assert.deepEqual(await charge('k', 50), { number: 1, cents: 50 })
    assert.deepEqual(ledger, { cents: 50, charges: 1 })
  })

  test('is not done for a different request under the same key', async () => {
    const { charge, ledger } = payments()
    await charge('k', 50)
    await assert.rejects(charge('k', 51), (error) => error instanceof InvalidInputError && error.final)
    await assert.rejects(charge('r', 50, new RejectedError('no', 'No.')), rejected('no'))
    await assert.rejects(charge('r', 51), InvalidInputError)
    assert.deepEqual(ledger, { cents: 50, charges: 1 })
  })

  test('gives its first caller what later ones get: what is left of it after JSON', async () => {
    const { part } = payments()
    const act = () => part.act<unknown>('k', 'f', async () => ({ at: new Date(0), gone: undefined }))
    assert.deepEqual(await act(), { at: '1970-01-01T00:00:00.000Z' })
    assert.deepEqual(await act(), { at: '1970-01-01T00:00:00.000Z' })
    const silent = () => part.act('v', 'f', async () => undefined)
    assert.deepEqual([await silent(), await silent()], [undefined, undefined])
  })
})

void suite('a compensation', () => {
  test('undoes its action once, with the answer that the action gave', async () => {
    const { charge, refund, ledger } = payments()
    await charge('k', 50)
    assert.deepEqual([await refund('k'), await refund('k')], [true, false])
    assert.equal(ledger.cents, 0)
  })

  test('that overtakes its action is remembered, and the action then does nothing', async () => {
    const { charge, refund, ledger } = payments()
    assert.equal(await refund('k'), false)
    await assert.rejects(charge('k', 50), rejected('compensated'))
    assert.deepEqual(ledger, { cents: 0, charges: 0 })
  })

  test('leaves nothing for a repetition of its action to do', async () => {
    const { charge, refund, ledger } = payments()
    await charge('k', 50)
    await refund('k')
    await assert.rejects(charge('k', 50), rejected('compensated'))
    assert.equal(ledger.cents, 0)
  })

  test('of a refused action has nothing to undo', async () => {
    const { charge, refund, ledger } = payments()
    await assert.rejects(charge('k', 50, new RejectedError('card-declined', 'No.')))
    assert.equal(await refund('k'), false)
    assert.equal(ledger.cents, 0)
  })

  test('that fails leaves the action done, and can be tried again', async () => {
    const { charge, refund, ledger } = payments()
    await charge('k', 50)
    await assert.rejects(refund('k', new Error('the bank is closed')), /closed/)
    assert.equal(ledger.cents, 50)
    assert.equal(await refund('k'), true)
    assert.equal(ledger.cents, 0)
  })
})

test('in whatever order the messages of a key arrive, and however often, it takes effect once, or not at all once it was compensated', async () => {
  const message = fc.constantFrom<'charge' | 'refund' | 'decline'>('charge', 'refund', 'decline')
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 8 }), fc.boolean(), async (messages, together) => {
      const { charge, refund, ledger } = payments()
      const deliver = {
        charge: () => charge('k', 50),
        refund: () => refund('k'),
        decline: () => charge('k', 50, new RejectedError('card-declined', 'No.')),
      }
      if (together) await Promise.allSettled(messages.map((each) => deliver[each]()))
      else for (const each of messages) await deliver[each]().catch(() => undefined)
      assert.ok(ledger.charges <= 1)
      assert.equal(ledger.cents, messages.includes('refund') ? 0 : ledger.charges * 50)
      // Whatever was said last is said for ever.
      const [one, other] = [await outcome(charge('k', 50)), await outcome(charge('k', 50))]
      assert.deepEqual(one, other)
    }),
    { numRuns: 300 },
  )
})

test('a customer pays twice when the keys are ignored', async () => {
  const { charge, ledger } = payments({ unsafe: { idempotencyKeys: 'ignored' } })
  await charge('k', 50)
  await charge('k', 50)
  assert.deepEqual(ledger, { cents: 100, charges: 2 })
})

void suite('the fingerprint of a request', () => {
  test('is the same whatever the order of its properties, at any depth', () => {
    assert.equal(fingerprintOf({ a: 1, b: { c: [1, 2], d: null } }), fingerprintOf({ b: { d: null, c: [1, 2] }, a: 1 }))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (request) => {
        const turned = Object.fromEntries(Object.entries(request).toReversed())
        return fingerprintOf(turned) === fingerprintOf(request)
      }),
    )
  })
  test('differs when the request does', () => {
    const requests = [
      { a: 1 },
      { a: 2 },
      { a: '1' },
      { b: 1 },
      { a: [1, 2] },
      { a: [2, 1] },
      { a: null },
      {},
      [],
      null,
      undefined,
      'a',
      { a: { b: 1 } },
    ]
    assert.equal(new Set(requests.map(fingerprintOf)).size, requests.length)
  })
})

async function outcome(act: Promise<unknown>): Promise<unknown> {
  return act.catch((error: unknown) => (error as RejectedError).reason)
}

test('an action and its undoing are traced by the names that they are given', async () => {
  const { part } = payments()
  const names = await namesOf(async () => {
    await part.act('k', 'f', async () => 'done', { name: 'charge' })
    await part.compensate('k', async () => undefined, { name: 'refund' })
  })
  assert.deepEqual(names, ['charge', 'refund'])
})
