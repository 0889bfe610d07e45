import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SeaworthyError, sleep, systemClock } from 'seaworthy/core'
import { outbox, startRelay } from 'seaworthy/outbox'
import { inMemoryDatabase, inMemoryOutboxStore } from '@seaworthy/testing'
import { drained, published } from './events.ts'
import { logForTest } from './server.ts'

void suite('the name that a relay appends under for as long as it has its lease', () => {
  test('fences the relay that lost it: what that one still sends is refused once the new one has appended', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    const zombie = await log.takeOver('orders/1')
    await zombie.append('alpha', [published('a', 1)])
    const holder = await (await openAnother()).takeOver('orders/1')
    await holder.append('alpha', [published('a', 1), published('a', 2), published('a', 3)])
    await assert.rejects(
      zombie.append('alpha', [published('a', 2)]),
      (error) => error instanceof SeaworthyError && error.code === 'producer-fenced' && error.executed === 'no' && error.final,
    )
    // For good: it does not take the name back.
    await assert.rejects(zombie.append('alpha', [published('a', 2)]), { code: 'producer-fenced' })
    await holder.append('alpha', [published('a', 4)])
    // Nobody else is concerned.
    await log.append('alpha', [published('b', 1)])
    const records = await drained(await log.reader({ topics: ['alpha'], group: 'g' }))
    assert.deepEqual(
      records.map(({ event }) => event.id),
      ['a-1', 'a-1', 'a-2', 'a-3', 'a-4', 'b-1'],
    )
  })

  test('a zombie that is faster than the new relay repeats a beginning, and never comes after what is newer', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    const zombie = await log.takeOver('orders/1')
    await zombie.append('alpha', [published('a', 1)])
    const holder = await (await openAnother()).takeOver('orders/1')
    // It lost its lease, and no partition has heard of it yet.
    await zombie.append('alpha', [published('a', 2)])
    await holder.append('alpha', [published('a', 2), published('a', 3)])
    await assert.rejects(zombie.append('alpha', [published('a', 3)]), { code: 'producer-fenced' })
    const records = await drained(await log.reader({ topics: ['alpha'], group: 'g' }))
    assert.deepEqual(
      records.map(({ event }) => event.sequence),
      [1, 2, 2, 3],
    )
  })

  test('holds up a fenced relay instead of letting it mark as sent what it did not send', async (t) => {
    const { log, openAnother, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    const database = inMemoryDatabase()
    const store = inMemoryOutboxStore()
    const box = outbox({ store })
    const fenced = await log.takeOver('orders/1')
    await fenced.append('alpha', [published('a', 1)])
    await (await (await openAnother()).takeOver('orders/1')).append('alpha', [published('a', 2)])
    const relay = startRelay({ store, log: fenced, pollMs: 20 })
    t.after(() => relay.stop())
    await database.transaction((tx) => box.add(tx, published('a', 0)))
    let status = await relay.status()
    for (let turn = 0; status.topics[0]?.lastError === undefined && turn < 500; turn++) {
      await sleep(systemClock, 20)
      status = await relay.status()
    }
    assert.match(status.topics[0]!.lastError!.message, /ProducerFencedError: Another process took over as producer/)
    assert.equal(status.backlog.messages, 1)
  })
})
