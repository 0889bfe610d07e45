import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { systemClock, UnavailableError } from 'seaworthy/core'
import { openSqliteQueue } from 'seaworthy/sqlite'
import { customerCreated, customerCreatedV1, customerImported } from '../../../services/customers/contract/events.ts'
import { letterRegister } from '../../../services/notifications/adapters/letter-register.ts'
import { folderMailbox } from '../../../services/notifications/adapters/mailbox.ts'
import { NOTIFICATIONS_SCHEMA } from '../../../services/notifications/adapters/schema.ts'
import { forgetting } from '../../../services/notifications/application/forgetting.ts'
import { letterWriter } from '../../../services/notifications/application/letters.ts'
import type { Customers, Mailbox } from '../../../services/notifications/application/ports.ts'
import { sorting } from '../../../services/notifications/application/sorting.ts'
import type { Letter } from '../../../services/notifications/domain/letter.ts'
import { orderCompleted, orderImported } from '../../../services/orders/contract/events.ts'
import { openServiceDatabase } from '../../service-database.ts'

const customer = { customerId: 'c1', canBeBilled: true, creditLimitCents: 1 }
const order = { orderId: 'o1', customerId: 'c1', lines: [{ productId: 'a', name: 'A', quantity: 1, priceCents: 500 }], totalCents: 500 }
const named: Customers['recipient'] = async (customerId) => ({ customerId, name: 'Ada', email: 'ada@example.com' })

async function openNotifications(recipient = named) {
  const service = await openServiceDatabase(NOTIFICATIONS_SCHEMA)
  const { database } = service
  const queue = await openSqliteQueue({ path: join(service.directory, 'letters.sqlite'), durability: 'process-crash' })
  const folder = join(service.directory, 'sent-mail')
  const [register, mailbox] = [letterRegister(database), folderMailbox(folder)]
  const dying: Mailbox = {
    remove: (jobId) => mailbox.remove(jobId),
    async deliver(jobId, eml) {
      await mailbox.deliver(jobId, eml)
      notifications.afterDelivery()
    },
  }
  const write = letterWriter({ customers: { recipient }, register, mailbox: dying, clock: systemClock })
  const sort = sorting({ queue })
  const notifications = {
    afterDelivery: (): void => undefined,
    async [Symbol.asyncDispose]() {
      await queue.close()
      await service[Symbol.asyncDispose]()
    },
    handle: (event: Parameters<typeof sort>[0]) => database.transaction((tx) => sort(event, tx)),
    write,
    people: forgetting({ database, register, mailbox, scrub: async () => [] }),
    mail: () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')),
    /** Works off what is in the queue now. */
    async work() {
      for (const job of await queue.receive({ max: 10, leaseMs: 1_000, waitMs: 0 })) {
        await write({ id: job.id, letter: job.body as Letter })
        await job.acknowledge()
      }
    },
  }
  return notifications
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

  test('an event of before, with the address in it, is a welcome like any other', async () => {
    await using notifications = await openNotifications()
    await notifications.handle(customerCreatedV1({ customerId: 'c1', name: 'Old', email: 'old@example.com', creditLimitCents: 1 }))
    await notifications.work()
    assert.deepEqual([notifications.mail().length, notifications.mail()[0]?.includes('Old')], [1, false])
  })

  test('of imported history nobody is written to', async () => {
    await using notifications = await openNotifications()
    await notifications.handle(customerImported(customer))
    await notifications.handle(orderImported({ ...order, placedAt: '1996-07-04T00:00:00.000Z' }))
    await notifications.work()
    assert.deepEqual(notifications.mail(), [])
  })

  test('a letter is tried again while nobody says where to, and not written where there is nobody', async () => {
    let ask: Customers['recipient'] = () => Promise.reject(new UnavailableError('The customers are down.'))
    await using notifications = await openNotifications((customerId) => ask(customerId))
    const letter: Letter = { kind: 'welcome', customerId: 'c1' }
    await assert.rejects(notifications.write({ id: 'j1', letter }), UnavailableError)
    ask = async () => undefined
    await notifications.write({ id: 'j1', letter })
    assert.deepEqual(notifications.mail(), [])
    ask = named
    await notifications.write({ id: 'j1', letter })
    await notifications.write({ id: 'j1', letter })
    assert.equal(notifications.mail().length, 1)
  })

  test('whoever is forgotten loses their letters, and gets none that was on its way', async () => {
    const answering = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    let waits = false
    await using notifications = await openNotifications(async (customerId) => {
      if (waits) {
        asked.resolve()
        await answering.promise
      }
      return named(customerId)
    })
    const letter: Letter = { kind: 'welcome', customerId: 'c1' }
    await notifications.write({ id: 'j1', letter })
    await notifications.write({ id: 'other', letter: { ...letter, customerId: 'c2' } })
    waits = true
    const late = notifications.write({ id: 'j2', letter })
    await asked.promise
    assert.equal((await notifications.people.report('c1')).places[0]?.count, 2)
    const { report } = await notifications.people.forget('c1')
    assert.deepEqual(report.places, [])
    answering.resolve()
    await late
    await notifications.write({ id: 'j3', letter })
    assert.equal(notifications.mail().length, 1, 'the letter of somebody else stays')
    assert.deepEqual((await notifications.people.forget('c1')).report.places, [])
  })

  test('a letter of a try that died after it was delivered, while its customer was forgotten, is thrown away by the next try', async () => {
    const dies = new Error('The process died.')
    let forgetting: () => Promise<unknown> = async () => undefined
    await using notifications = await openNotifications(async (customerId) => {
      await forgetting()
      return named(customerId)
    })
    const letter: Letter = { kind: 'welcome', customerId: 'c1' }
    forgetting = () => notifications.people.forget('c1')
    notifications.afterDelivery = () => {
      throw dies
    }
    await assert.rejects(notifications.write({ id: 'j1', letter }), dies)
    assert.equal(notifications.mail().length, 1)
    notifications.afterDelivery = () => undefined
    await notifications.write({ id: 'j1', letter })
    assert.deepEqual(notifications.mail(), [])
  })
})
