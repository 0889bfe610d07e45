import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Channel, Connection } from 'rabbitmq-client'
import { type RabbitMqQueueOptions, openRabbitMqBroker, openRabbitMqQueue } from '@seaworthy/rabbitmq'
import { eventually } from '@seaworthy/testing'
import { ConfigurationError, LimitExceededError, UnavailableError } from 'seaworthy/core'
import type { Delivery, Queue } from 'seaworthy/messaging'
import { removeQueue } from './remove-queue.ts'
import { brokerUrl, freshName, openBroker } from './server.ts'

suite('a queue on RabbitMQ', () => {
  test('a message does not wait in a process that has no place for it', (t) =>
    withQueue(t, {}, async ({ queue, another }) => {
      await send(queue, 'first')
      const [first] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 10_000 })
      await send(queue, 'second')
      const other = await another()
      assert.deepEqual(await idsOf(other, 1), ['second'])
      await first!.acknowledge()
    }))

  test('a process that asks no more keeps nothing from others', (t) =>
    withQueue(t, {}, async ({ queue, another }) => {
      await send(queue, 'first')
      await (await one(queue)).acknowledge()
      await send(queue, 'second')
      const delivery = await one(await another())
      assert.equal(delivery.id, 'second')
      // It may have come to the first process, and been given back.
      assert.ok(delivery.attempt <= 2)
    }))

  test('holds no more than inHandMax; a receive beyond it waits until one is answered', (t) =>
    withQueue(t, { inHandMax: 2 }, async ({ queue }) => {
      for (const id of ['a', 'b', 'c']) await send(queue, id)
      const held = [await one(queue), await one(queue)]
      assert.deepEqual(await queue.receive({ max: 5, leaseMs: 60_000, waitMs: 0 }), [])
      const waiting = one(queue)
      await held[0]!.acknowledge()
      assert.equal((await waiting).id, 'c')
    }))

  test('gives back at its close what was not answered, counted', (t) =>
    withQueue(t, {}, async ({ queue, another }) => {
      await send(queue, 'm')
      await one(queue)
      await queue.close()
      assert.equal((await one(await another())).attempt, 2)
    }))

  test('dead letters are listed and put back in the order in which they died', (t) =>
    withQueue(t, {}, async ({ queue }) => {
      const order = ['c', 'a', 'e', 'b', 'd']
      for (const id of order) await send(queue, id)
      for (const id of order) {
        const delivery = await one(queue)
        assert.equal(delivery.id, id)
        await delivery.reject({ reason: 'poison', dead: true })
      }
      for (let look = 0; look < 2; look++)
        assert.deepEqual(
          (await queue.deadLetters({ max: 3 })).map(({ id }) => id),
          ['c', 'a', 'e'],
        )
      assert.equal(await queue.requeueDead(['d', 'a', 'c', 'nobody']), 3)
      assert.deepEqual(
        (await queue.deadLetters({ max: 10 })).map(({ id }) => id),
        ['e', 'b'],
      )
      assert.deepEqual([(await one(queue)).id, (await one(queue)).id, (await one(queue)).id], ['c', 'a', 'd'])
    }))

  test('a message whose every process dies is set aside by RabbitMQ itself, with the reason', (t) =>
    withQueue(t, { deliveryLimit: 2 }, async ({ queue, url, name }) => {
      await queue.send({ id: 'deadly', body: { x: 1 }, context: { correlationId: 'c' } })
      for (let attempt = 1; attempt <= 2; attempt++) {
        const broker = await openBroker(url)
        const dying = await openRabbitMqQueue(broker, { name, deliveryLimit: 2 })
        assert.equal((await one(dying)).attempt, attempt)
        await broker.close()
      }
      await eventually('it is dead', async () => (await queue.status()).dead === 1)
      const [dead] = await queue.deadLetters({ max: 10 })
      assert.ok(Math.abs(dead!.diedAtMs - Date.now()) < 60_000)
      assert.deepEqual(
        { ...dead, diedAtMs: 0 },
        {
          id: 'deadly',
          body: { x: 1 },
          attempts: 2,
          reason: 'The lease of attempt 2 ended without an answer: the worker hung, or died of it.',
          diedAtMs: 0,
        },
      )
    }))

  test('attempts before a delay count towards the limit', (t) =>
    withQueue(t, { deliveryLimit: 3 }, async ({ queue, another }) => {
      await send(queue, 'm')
      await (await one(queue)).reject({ reason: 'later', delayMs: 100 })
      await (await one(queue)).reject({ reason: 'later', delayMs: 100 })
      const third = await one(queue)
      assert.equal(third.attempt, 3)
      await queue.close()
      const other = await another()
      assert.deepEqual(await other.receive({ max: 1, leaseMs: 60_000, waitMs: 500 }), [])
      const [dead] = await other.deadLetters({ max: 1 })
      assert.equal(dead!.attempts, 3)
    }))

  test('says how long a message could have been had: since it was sent, or its delay was over, and nothing once it came back', (t) =>
    withQueue(t, { deliveryLimit: 5 }, async ({ queue, another }) => {
      const sentAtMs = Date.now()
      await send(queue, 'm')
      await delay(300)
      const first = await one(queue)
      // The broker, the test and both ends have one clock here.
      const waited = (delivery: Delivery, atLeastMs: number, sinceMs: number) =>
        assert.ok(
          delivery.readyForMs !== undefined && delivery.readyForMs >= atLeastMs && delivery.readyForMs <= Date.now() - sinceMs + 1,
          `${delivery.readyForMs} ms`,
        )
      waited(first, 299, sentAtMs)
      const rejectedAtMs = Date.now()
      await first.reject({ reason: 'later', delayMs: 200 })
      await delay(500)
      waited(await one(queue), 200, rejectedAtMs + 200)
      await queue.close()
      const third = await one(await another())
      assert.deepEqual([third.attempt, third.readyForMs], [3, undefined])
    }))

  test('a delay waits its time in queues of its own, and ends no earlier', (t) =>
    withQueue(t, {}, async ({ queue, channel, name }) => {
      const sentAtMs = performance.now()
      await queue.send({ id: 'm', body: null, context: { correlationId: 'c' }, delayMs: 650 })
      // 700 = 400 + 200 + 100.
      assert.equal((await channel.queueDeclare({ queue: `${name}.delay.400`, passive: true })).messageCount, 1)
      assert.deepEqual(await queue.status(), { ready: 0, delayed: 1, leased: 0, dead: 0 })
      await one(queue)
      assert.ok(performance.now() - sentAtMs >= 650)
    }))

  test('messages of other programs are understood, and what is no message of ours is set aside with the reason', (t) =>
    withQueue(t, {}, async ({ queue, channel, name }) => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      await channel.basicPublish({ routingKey: name, messageId: 'json', correlationId: 'theirs', headers: { traceparent } }, { from: 'go' })
      const delivery = await one(queue)
      assert.deepEqual(
        { id: delivery.id, body: delivery.body, context: delivery.context },
        { id: 'json', body: { from: 'go' }, context: { correlationId: 'theirs', traceparent } },
      )
      await channel.basicPublish({ routingKey: name, messageId: 'bytes' }, Buffer.from([0xff, 0x00]))
      await channel.basicPublish({ routingKey: name }, { nameless: true })
      assert.deepEqual(await queue.receive({ max: 2, leaseMs: 60_000, waitMs: 1_000 }), [])
      const reasons = (await queue.deadLetters({ max: 10 })).map(({ id, reason }) => `${id}: ${reason}`)
      assert.match(reasons[0]!, /^bytes: It cannot be read/)
      assert.match(reasons[1]!, /^: It has no message_id/)
    }))

  test('ids and correlation ids may be longer than a property of AMQP', (t) =>
    withQueue(t, {}, async ({ queue }) => {
      const [id, correlationId] = ['🚢'.repeat(100), 'c'.repeat(1_000)]
      await queue.send({ id, body: null, context: { correlationId } })
      const delivery = await one(queue)
      assert.deepEqual({ id: delivery.id, context: delivery.context }, { id, context: { correlationId } })
      await delivery.reject({ reason: 'r'.repeat(1_000), dead: true })
      const [dead] = await queue.deadLetters({ max: 1 })
      assert.deepEqual([dead!.id, dead!.reason.length], [id, 1_000])
    }))
})

suite('limits of a queue on RabbitMQ', () => {
  test('a full queue refuses what is sent, and takes messages again when there is room', (t) =>
    withQueue(t, { messagesMax: 3 }, async ({ queue }) => {
      // RabbitMQ may let a few more in.
      let sent = 0
      await eventually('a message is refused', () =>
        send(queue, `m${sent++}`).then(
          () => false,
          (error: unknown) => error instanceof LimitExceededError && error.executed === 'no',
        ),
      )
      assert.ok(sent > 3)
      await eventually('there is room again', async () => {
        await (await one(queue)).acknowledge()
        return send(queue, 'again').then(
          () => true,
          () => false,
        )
      })
    }))

  test('a body, a delay, and sends at one time have their limits', (t) =>
    withQueue(t, { bodyBytesMax: 10, unconfirmedMax: 1 }, async ({ queue }) => {
      await assert.rejects(queue.send({ id: 'm', body: 'x'.repeat(9), context: { correlationId: 'c' } }), LimitExceededError)
      await assert.rejects(queue.send({ id: 'm', body: undefined, context: { correlationId: 'c' } }), ConfigurationError)
      const delayMs = 20 * 86_400_000
      await assert.rejects(queue.send({ id: 'm', body: 1, context: { correlationId: 'c' }, delayMs }), LimitExceededError)
      const [first, second] = await Promise.allSettled([send(queue, 'first'), send(queue, 'second')])
      assert.equal(first.status, 'fulfilled')
      assert.ok(second.status === 'rejected' && second.reason instanceof LimitExceededError)
      assert.deepEqual(await idsOf(queue, 1), ['first'])
    }))

  test('a queue that exists with other settings is not opened as if it had these', (t) =>
    withQueue(t, { deliveryLimit: 3 }, async ({ url, name }) => {
      const broker = await openBroker(url)
      t.after(() => broker.close())
      await assert.rejects(openRabbitMqQueue(broker, { name, deliveryLimit: 4 }), ConfigurationError)
      await openRabbitMqQueue(broker, { name, deliveryLimit: 3 })
    }))

  test('a queue that somebody deleted takes nothing silently', (t) =>
    withQueue(t, {}, async ({ queue, channel, name }) => {
      await send(queue, 'm')
      await channel.queueDelete({ queue: name })
      const ids = ['m', 'm', 'other', 'x'.repeat(300), 'y'.repeat(300)]
      for (const outcome of await Promise.allSettled(ids.map((id) => send(queue, id))))
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof UnavailableError && outcome.reason.executed === 'no')
    }))

  test('settings that make no sense are refused before anything is asked of the broker', async () => {
    await assert.rejects(openRabbitMqBroker({ url: 'http://127.0.0.1' }), ConfigurationError)
    await assert.rejects(openRabbitMqQueue({ address: '', close: async () => undefined }, { name: 'x' }), ConfigurationError)
    const refused = openRabbitMqBroker({ url: 'amqp://127.0.0.1:1', connectTimeoutMs: 200 })
    await assert.rejects(refused, (error) => error instanceof UnavailableError && error.executed === 'no')
    const broker = await openBroker(await brokerUrl())
    try {
      for (const options of [{ name: '' }, { name: 'amq.x' }, { name: 'x', deliveryLimit: 0 }, { name: 'x', inHandMax: 70_000 }])
        await assert.rejects(openRabbitMqQueue(broker, options), ConfigurationError)
    } finally {
      await broker.close()
    }
  })
})

interface Under {
  readonly queue: Queue
  readonly url: string
  readonly name: string
  /** What another program does with RabbitMQ. */
  readonly channel: Channel
  /** The same queue as another process has it. */
  readonly another: () => Promise<Queue>
}

type Ending = { after(fn: () => Promise<void>): void }

async function withQueue(t: Ending, options: Omit<RabbitMqQueueOptions, 'name'>, body: (under: Under) => Promise<void>): Promise<void> {
  const url = await brokerUrl()
  const name = freshName()
  const open = async () => {
    const broker = await openBroker(url)
    t.after(() => broker.close())
    const queue = await openRabbitMqQueue(broker, { name, ...options })
    t.after(() => queue.close())
    return queue
  }
  const connection = new Connection(url)
  connection.on('error', () => undefined)
  const channel = await connection.acquire()
  await channel.confirmSelect()
  t.after(async () => {
    await channel.close()
    await connection.close()
    await removeQueue(url, name)
  })
  await body({ queue: await open(), url, name, channel, another: open })
}

function send(queue: Queue, id: string): Promise<void> {
  return queue.send({ id, body: null, context: { correlationId: 'c' } })
}

async function one(queue: Queue) {
  const [delivery] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 20_000 })
  assert.ok(delivery !== undefined, 'no message came')
  return delivery
}

async function idsOf(queue: Queue, max: number): Promise<string[]> {
  return (await queue.receive({ max, leaseMs: 60_000, waitMs: 20_000 })).map(({ id }) => id)
}
