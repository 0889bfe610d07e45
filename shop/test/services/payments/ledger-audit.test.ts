import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import { newId } from 'seaworthy/core'
import { auditEvents, commandHandler } from 'seaworthy/event-sourcing'
import { sqliteEventStore } from 'seaworthy/sqlite'
import { charging } from '../../../services/payments/application/charging.ts'
import { ledgerAuditor } from '../../../services/payments/domain/ledger-auditor.ts'
import { payment, paymentEvents } from '../../../services/payments/domain/payment.ts'
import { openServiceDatabase } from '../../service-database.ts'

/** Three charges, one of them given back: four events in three streams. */
async function booked() {
  const service = await openServiceDatabase()
  const { database, participant, outbox } = service
  const store = sqliteEventStore(database)
  const payments = commandHandler({ decider: payment, events: paymentEvents, store, database, schemaVersion: 1 })
  const acts = charging({ payments, payers: { payer: async () => undefined }, participant, outbox, clock: new VirtualClock(), newId })
  for (const key of ['a', 'b', 'c']) await acts.charge(key, { orderId: key, customerId: 'c1', amountCents: 1_250, card: 'ok' })
  await acts.refund('a')
  return {
    store,
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    corrupt: (sql: string) => database.atomically([{ sql }]),
    archive: async () => {
      const { stream } = (await store.readAll({ after: 0, max: 1 }))[0]!
      await database.transaction((tx) => store.archive(tx, stream))
    },
    audit: () => auditEvents({ store, events: paymentEvents, auditors: [ledgerAuditor] }),
  }
}

describe('the audit of the ledger', () => {
  test('says that all is right, archived payments included', async () => {
    await using ledger = await booked()
    const right = {
      events: 4,
      streams: 3,
      findings: [],
      findingsInAll: 0,
      facts: ['The 2 accounts of the ledger sum to zero, over 4 transactions.'],
      isComplete: true,
    }
    assert.deepEqual(await ledger.audit(), right)
    await ledger.archive()
    assert.deepEqual(await ledger.audit(), right)
  })

  const plants: readonly [string, string, RegExp, number][] = [
    [
      'a posting whose amount was changed',
      `UPDATE seaworthy_events SET data = json_set(data, '$.transaction.postings[0].amountCents', 1) WHERE position = 2`,
      /^charged at version 1 of stream payment-\S+, position 2: transaction \S+ does not balance, its postings sum to -1249 cents/,
      2,
    ],
    [
      'an event that is gone',
      'DELETE FROM seaworthy_events WHERE position = 1',
      /refunded at version 2 .* version 1 was to come next; events are missing/,
      1,
    ],
    [
      'a transaction that is booked twice',
      `UPDATE seaworthy_events SET data = (SELECT data FROM seaworthy_events WHERE position = 2) WHERE position = 3`,
      /position 3: transaction \S+ is booked twice/,
      1,
    ],
    [
      'an event of a type that nobody knows',
      `UPDATE seaworthy_events SET type = 'gifted' WHERE position = 2`,
      /position 2 cannot be judged: .*does not declare/,
      1,
    ],
    ['data that is no JSON', `UPDATE seaworthy_events SET data = '{' WHERE position = 2`, /events after position 0 cannot be read/, 1],
    ['an event without its transaction', `UPDATE seaworthy_events SET data = '{}' WHERE position = 2`, /position 2 cannot be judged/, 1],
  ]
  for (const [what, sql, finding, findings] of plants) {
    test(`finds ${what}`, async () => {
      await using ledger = await booked()
      await ledger.corrupt(sql)
      const report = await ledger.audit()
      assert.match(report.findings[0] ?? '', finding)
      assert.equal(report.findingsInAll, findings)
    })
  }
})
