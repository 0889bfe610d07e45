import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { systemClock } from 'seaworthy/core'
import { openSqliteQueue } from 'seaworthy/sqlite'
import { customerCreated, customerImported } from '../../../services/customers/contract/events.ts'
import { addressBook } from '../../../services/notifications/adapters/address-book.ts'
import { folderMailbox } from '../../../services/notifications/adapters/mailbox.ts'
import { NOTIFICATIONS_SCHEMA } from '../../../services/notifications/adapters/schema.ts'
import { AddressUnknownError, letterWriter } from '../../../services/notifications/application/letters.ts'
import { sorting } from '../../../services/notifications/application/sorting.ts'
import type { Letter } from '../../../services/notifications/domain/letter.ts'
import { orderCompleted, orderImported } from '../../../services/orders/contract/events.ts'
import { openServiceDatabase } from '../../service-database.ts'

const customer = { customerId: 'c1', name: 'Ada', email: 'ada@example.com', creditLimitCents: 1 }
const order = { orderId: 'o1', customerId: 'c1', lines: [{ productId: 'a', name: 'A', quantity: 1, priceCents: 500 }], totalCents: 500 }

async function openNotifications() {
  const service = await openServiceDatabase(NOTIFICATIONS_SCHEMA)
  const queue = await openSqliteQueue({ path: join(service.directory, 'letters.sqlite'), durability: 'process-crash' })
  const addresses = addressBook(service.database)
  const folder = join(service.directory, 'sent-mail')
  const write = letterWriter({ addresses, mailbox: folderMailbox(folder), clock: systemClock })
  const sort = sorting({ addresses, queue })
  return {
    async [Symbol.asyncDispose]() {
      await queue.close()
      await service[Symbol.asyncDispose]()
    },
    handle: (event: Parameters<typeof sort>[0]) => service.database.transaction((tx) => sort(event, tx)),
    write,
    mail: () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')),
    /** Works off what is in the queue now. */
    async work() {
      for (const job of await queue.receive({ max: 10, leaseMs: 1_000, waitMs: 0 })) {
        await write({ id: job.id, letter: job.body as Letter })
        await job.acknowledge()
      }
    },
  }
}

describe('notifications', () => {
  test('a new customer is welcomed and a completed order confirmed, once each, however often the events come', async () => {
    await using notifications = await openNotifications()
    const created = customerCreated(customer)
    const completed = orderCompleted(order)
    for (const event of [created, completed, created, completed]) await notifications.handle(event)
    await notifications.work()
    await notifications.handle(completed)
    await notifications.work()
    const mail = notifications.mail()
    assert.equal(mail.length, 2)
    assert.equal(mail.filter((eml) => eml.includes('X-Order-Id: o1')).length, 1)
    assert.equal(mail.filter((eml) => eml.includes('Subject: Welcome aboard')).length, 1)
  })

  test('imported history is remembered, and nobody is written to', async () => {
    await using notifications = await openNotifications()
    await notifications.handle(customerImported(customer))
    await notifications.handle(orderImported({ ...order, placedAt: '1996-07-04T00:00:00.000Z' }))
    await notifications.work()
    assert.deepEqual(notifications.mail(), [])
    await notifications.handle(orderCompleted(order))
    await notifications.work()
    assert.equal(notifications.mail().length, 1)
  })

  test('a letter whose address is not known yet can be tried again', async () => {
    await using notifications = await openNotifications()
    const letter: Letter = { kind: 'welcome', customerId: 'c1' }
    await assert.rejects(notifications.write({ id: 'j1', letter }), AddressUnknownError)
    await notifications.handle(customerImported(customer))
    await notifications.write({ id: 'j1', letter })
    await notifications.write({ id: 'j1', letter })
    assert.equal(notifications.mail().length, 1)
  })
})
