import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { CARD_CLEARING, customerAccount, type LedgerTransaction, transaction } from '../../../services/payments/domain/ledger.ts'
import {
  decide,
  evolve,
  noPayment,
  type Payment,
  type PaymentCommand,
  type PaymentEvent,
} from '../../../services/payments/domain/payment.ts'

const charge: PaymentCommand = { type: 'charge', paymentId: 'p1', orderId: 'o1', customerId: 'c1', amountCents: 1_250 }
const refund: PaymentCommand = { type: 'refund', paymentId: 'p1' }
const charged: PaymentEvent = {
  type: 'charged',
  orderId: 'o1',
  customerId: 'c1',
  amountCents: 1_250,
  transaction: {
    id: 'p1/charge',
    postings: [
      { account: CARD_CLEARING, amountCents: 1_250 },
      { account: customerAccount('c1'), amountCents: -1_250 },
    ],
  },
}
const refunded: PaymentEvent = {
  type: 'refunded',
  transaction: {
    id: 'p1/refund',
    postings: [
      { account: CARD_CLEARING, amountCents: -1_250 },
      { account: customerAccount('c1'), amountCents: 1_250 },
    ],
  },
}

/** Given these events, when this command comes, then these events follow. */
function scenario(given: readonly PaymentEvent[], when: PaymentCommand, then: readonly PaymentEvent[]): void {
  assert.deepEqual(decide(when, given.reduce(evolve, noPayment)), then)
}

describe('a payment', () => {
  test('given nothing, a charge moves the amount from the card to the customer', () => scenario([], charge, [charged]))
  test('given a charge, the same charge again moves nothing', () => scenario([charged], charge, []))
  test('given a charge, a refund moves the amount back', () => scenario([charged], refund, [refunded]))
  test('given a refund, another refund moves nothing', () => scenario([charged, refunded], refund, []))
  test('given a refund, a charge that comes late moves nothing', () => scenario([charged, refunded], charge, []))
  test('given nothing, a refund moves nothing', () => scenario([], refund, []))
})

describe('the ledger', () => {
  test('a transaction whose postings do not sum to zero is refused', () => {
    assert.throws(
      () =>
        transaction('t', [
          { account: 'a', amountCents: 2 },
          { account: 'b', amountCents: -1 },
        ]),
      /sum to 1, not to zero/,
    )
  })

  test('fractions of cents, empty postings and a posting without its counterpart are refused', () => {
    assert.throws(() => transaction('t', [{ account: 'a', amountCents: 0.5 }]), /whole number/)
    assert.throws(() => transaction('t', []), /0 postings/)
    assert.throws(() => transaction('t', [{ account: 'a', amountCents: 0 }]), /not zero/)
  })

  test('whatever is charged and refunded in whatever order, every transaction and the whole ledger sum to zero', () => {
    const command = fc.record({
      payment: fc.nat(4),
      customer: fc.nat(2),
      amountCents: fc.integer({ min: 1, max: 10_000_000 }),
      refund: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const payments = new Map<string, Payment>()
        const ledger: LedgerTransaction[] = []
        for (const { payment, customer, amountCents, refund: isRefund } of commands) {
          const paymentId = `p${payment}`
          const events = decide(
            isRefund ? { type: 'refund', paymentId } : { type: 'charge', paymentId, orderId: 'o', customerId: `c${customer}`, amountCents },
            payments.get(paymentId) ?? noPayment,
          )
          payments.set(paymentId, events.reduce(evolve, payments.get(paymentId) ?? noPayment))
          ledger.push(...events.map((event) => event.transaction))
        }
        for (const { postings } of ledger)
          assert.equal(
            postings.reduce((sum, posting) => sum + posting.amountCents, 0),
            0,
          )
        const open = Array.from(payments.values()).reduce(
          (sum, payment) => sum + (payment.status === 'charged' ? payment.amountCents : 0),
          0,
        )
        const after = balances(ledger)
        assert.equal(
          Array.from(after.values()).reduce((sum, balance) => sum + balance, 0),
          0,
        )
        assert.equal(after.get(CARD_CLEARING) ?? 0, open, 'what the card companies owe us is what was charged and not refunded')
      }),
    )
  })
})

/** Balances after the transactions, by account. */
function balances(transactions: Iterable<LedgerTransaction>): ReadonlyMap<string, number> {
  const result = new Map<string, number>()
  for (const { postings } of transactions) {
    for (const { account, amountCents } of postings) result.set(account, (result.get(account) ?? 0) + amountCents)
  }
  return result
}
