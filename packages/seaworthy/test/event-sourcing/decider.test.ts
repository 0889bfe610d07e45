import assert from 'node:assert/strict'
import { AssertionError } from 'node:assert'
import { suite, test } from 'node:test'
import { given } from '@seaworthy/testing'
import { type AccountEvent, account } from './account.ts'

const opened: AccountEvent = { type: 'opened', owner: 'ada' }
const deposited = (amountCents: number): AccountEvent => ({ type: 'deposited', amountCents })

void suite('a decider, given a history, when a command comes', () => {
  test('then it decides events, and they lead to a state', () => {
    given(account, opened, deposited(100))
      .when({ type: 'withdraw', amountCents: 30 })
      .thenEvents({ type: 'withdrawn', amountCents: 30 })
      .thenState({ owner: 'ada', balanceCents: 70, movements: 2 })
  })
  test('then it may refuse, with a reason', () => {
    given(account, opened, deposited(100)).when({ type: 'withdraw', amountCents: 101 }).thenRejected('overdrawn')
    given(account).when({ type: 'deposit', amountCents: 1 }).thenRejected('no-account')
  })
  test('then it may find nothing to do', () => {
    given(account, opened).when({ type: 'open', owner: 'eve' }).thenEvents().thenState({ owner: 'ada', balanceCents: 0, movements: 0 })
  })
})

void suite('given/when/then fails', () => {
  const when = given(account, opened, deposited(100)).when({ type: 'withdraw', amountCents: 30 })
  test('for other events', () => assert.throws(() => when.thenEvents(), AssertionError))
  test('for another state', () => assert.throws(() => when.thenState({ owner: 'ada', balanceCents: 71, movements: 2 }), AssertionError))
  test('for a refusal that did not come', () => assert.throws(() => when.thenRejected('overdrawn'), /withdraw was not rejected/))
  test('for a refusal with another reason', () => {
    assert.throws(() => given(account).when({ type: 'deposit', amountCents: 1 }).thenRejected('overdrawn'), AssertionError)
  })
  test('for events that did not come because of a refusal, with the refusal', () => {
    assert.throws(() => given(account).when({ type: 'deposit', amountCents: 1 }).thenEvents(deposited(1)), /no such account/)
  })
  test('for a bug in the decider, with the bug', () => {
    const buggy: typeof account = {
      ...account,
      decide: () => {
        throw new TypeError('a bug')
      },
    }
    assert.throws(() => given(buggy).when({ type: 'open', owner: 'a' }).thenRejected('a bug'), TypeError)
  })
})
