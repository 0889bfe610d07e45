import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootContext, systemClock, newId, UnavailableError } from 'seaworthy/core'
import { canBeBilled, customerCreated, customerCreatedV1, customerImported } from '../../../services/customers/contract/events.ts'
import { MONOLITH_SCHEMA } from '../../../monolith/adapters/schema.ts'
import { customers } from '../../../monolith/application/customers.ts'
import { reacting } from '../../../monolith/application/reacting.ts'
import { customerRepository } from '../../../services/customers/adapters/customer-repository.ts'
import { CUSTOMERS_SCHEMA } from '../../../services/customers/adapters/schema.ts'
import { registering } from '../../../services/customers/application/registering.ts'
import { ALWAYS_OWNED } from '../../../platform/always-owned.ts'
import { settingLimits } from '../../../services/customers/application/setting-limits.ts'
import { CREDIT_SCHEMA, creditChecks } from '../../../services/payments/adapters/credit-checks.ts'
import { checkingCredit } from '../../../services/payments/application/credit-check.ts'
import { PAYMENTS_TOPIC, creditChecked } from '../../../services/payments/contract/events.ts'
import { decideCredit } from '../../../services/payments/domain/credit.ts'
import { openServiceDatabase } from '../../service-database.ts'

const customer = { customerId: 'c1', canBeBilled: true, creditLimitCents: 10_000_000 }

test('a new customer is given what was asked for, up to the maximum, and nothing where no bill can arrive', () => {
  const asked = (canBeBilled: boolean, askedCents: number) => decideCredit({ customerId: 'c1', canBeBilled, askedCents })
  assert.deepEqual(asked(true, 10_000_000), { outcome: 'approved', limitCents: 10_000_000 })
  assert.deepEqual(asked(true, 10_000_001), { outcome: 'reduced', limitCents: 10_000_000, reason: 'above-maximum' })
  assert.deepEqual(asked(false, 1), { outcome: 'refused', limitCents: 0, reason: 'no-address-for-bills' })
  for (const email of ['ada@nowhere.invalid', 'ada@INVALID', 'ada@invalid']) assert.equal(canBeBilled(email), false, email)
  for (const email of ['ada@example.com', 'ada@invalid.example']) assert.equal(canBeBilled(email), true, email)
})

test('each new customer is checked once, the event goes with the decision, and it knows its cause', async () => {
  await using payments = await openServiceDatabase(CREDIT_SCHEMA)
  const check = checkingCredit({ checks: creditChecks(), outbox: payments.outbox })
  const created = customerCreated(customer, { context: rootContext({ correlationId: 'c-1' }) })
  for (const event of [created, customerCreated({ ...customer, canBeBilled: false }), customerImported({ ...customer, customerId: 'c2' })])
    await payments.database.transaction((tx) => check(event, tx))
  const published = await payments.published(PAYMENTS_TOPIC)
  assert.deepEqual(
    published.map(({ type, key, data, correlationId, causationId }) => ({ type, key, data, correlationId, causationId })),
    [
      {
        type: 'credit.checked',
        key: 'c1',
        data: { customerId: 'c1', outcome: 'approved', limitCents: 10_000_000 },
        correlationId: 'c-1',
        causationId: created.id,
      },
    ],
  )
  // As logs from before have it.
  const before = customerCreatedV1({ customerId: 'c0', name: 'Bob', email: 'bob@nowhere.invalid', creditLimitCents: 7 })
  await payments.database.transaction((tx) => check(before, tx))
  assert.deepEqual((await payments.published(PAYMENTS_TOPIC)).at(-1)?.data, {
    customerId: 'c0',
    outcome: 'refused',
    limitCents: 0,
    reason: 'no-address-for-bills',
  })
  const rows = await payments.database.query<{ customer_id: string; outcome: string }>({
    sql: 'SELECT customer_id, outcome FROM credit_checks ORDER BY customer_id DESC',
  })
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      { customer_id: 'c1', outcome: 'approved' },
      { customer_id: 'c0', outcome: 'refused' },
    ],
  )
  await assert.rejects(
    payments.database.transaction(async (tx) => {
      await check(customerCreated({ ...customer, customerId: 'c3' }), tx)
      throw new Error('the process died')
    }),
  )
  assert.equal((await payments.published(PAYMENTS_TOPIC)).length, 2, 'neither without the other')
})

test('who does not own a customer leaves the limit to their owner, and hears of it again until it has come over', async () => {
  await using monolith = await openServiceDatabase(MONOLITH_SCHEMA)
  await using service = await openServiceDatabase(CUSTOMERS_SCHEMA)
  const foreign = {
    ...ALWAYS_OWNED,
    assertOwned: () => Promise.reject(new UnavailableError('The other side owns the customers.')),
  }
  const kept = customerRepository(service.database)
  const checked = creditChecked({ customerId: 'c1', outcome: 'reduced', limitCents: 700, reason: 'above-maximum' })
  for (const [{ database }, react] of [
    [monolith, reacting(['customers'], { customers: foreign })],
    [service, settingLimits({ customers: kept, owned: foreign })],
  ] as const) {
    const handle = () => database.transaction((tx) => react(checked, tx))
    await assert.rejects(handle(), UnavailableError, 'the customer has not come yet')
    const sql = "INSERT INTO customers (id, name, email, credit_limit_cents, created_at_ms) VALUES ('c1', 'Ada', 'ada@example.com', 900, 0)"
    await database.atomically([{ sql }])
    await assert.rejects(handle(), UnavailableError, 'the limit has not come yet')
    await database.atomically([{ sql: "UPDATE customers SET credit_limit_cents = 700 WHERE id = 'c1'" }])
    await handle()
  }
})

test('whoever has the customers sets the limit that billing decided', async () => {
  await using monolith = await openServiceDatabase(MONOLITH_SCHEMA)
  await using service = await openServiceDatabase(CUSTOMERS_SCHEMA)
  const ports = { clock: systemClock, newId }
  const kept = customerRepository(service.database)
  const old = customers({ database: monolith.database, outbox: monolith.outbox, owned: ALWAYS_OWNED, ...ports })
  const renewed = registering({ database: service.database, outbox: service.outbox, owned: ALWAYS_OWNED, customers: kept, ...ports })
  const limitIn = {
    monolith: async (id: string) => (await old.customer(id)).creditLimitCents,
    service: async (id: string) => (await kept.find(id))?.creditLimitCents,
  }
  for (const [who, { database }, registry, react] of [
    ['monolith', monolith, old, reacting(['customers'], { customers: ALWAYS_OWNED })],
    ['service', service, renewed, settingLimits({ customers: kept, owned: ALWAYS_OWNED })],
  ] as const) {
    const { id: customerId, creditLimitCents } = await registry.create({ name: 'Ada', email: 'ada@nowhere.invalid' })
    assert.ok(creditLimitCents > 0)
    const checked = creditChecked({ customerId, outcome: 'refused', limitCents: 0, reason: 'no-address-for-bills' })
    await database.transaction((tx) => react(checked, tx))
    await database.transaction((tx) => react(creditChecked({ customerId: 'nobody', outcome: 'approved', limitCents: 7 }), tx))
    assert.equal(await limitIn[who](customerId), 0)
  }
})
