import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DeleteQueueCommand, GetQueueUrlCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { type SqsQueueOptions, openSqsQueue } from '@seaworthy/sqs'
import { eventually } from '@seaworthy/testing'
import { ConfigurationError, LimitExceededError, UnavailableError } from 'seaworthy/core'
import type { Delivery, Queue } from 'seaworthy/messaging'
import { clientOf, endpoint, freshName } from './server.ts'

suite('a queue on SQS', () => {
  test('what is asked for at one time goes in requests of ten', (t) =>
    withQueue(t, {}, async ({ queue, requests }) => {
      await Promise.all(Array.from({ length: 25 }, (_, index) => send(queue, `m${index}`)))
      assert.equal(requests['SendMessageBatchCommand'], 3)
      const deliveries = await several(queue, 25)
      await Promise.all(deliveries.map((delivery) => delivery.acknowledge()))
      assert.equal(requests['DeleteMessageBatchCommand'], 3)
      assert.deepEqual(await queue.status(), { ready: 0, delayed: 0, leased: 0, dead: 0 })
    }))

  test('a message that came for a receive which was aborted is for the next, with its full lease', (t) =>
    withQueue(t, {}, async ({ queue, requests }) => {
      const controller = new AbortController()
      const waiting = queue.receive({ max: 1, leaseMs: 1_000, waitMs: 20_000, signal: controller.signal })
      await eventually('it polls', () => requests['ReceiveMessageCommand'] === 1)
      controller.abort(new Error('enough'))
      await assert.rejects(waiting, /enough/)
      await send(queue, 'm')
      const [delivery] = await queue.receive({ max: 1, leaseMs: 30_000, waitMs: 20_000 })
      assert.equal(delivery!.attempt, 1)
      await delay(1_100)
      await delivery!.acknowledge()
    }))

  test("says how long a message could have been had by SQS's clock, its delay not counted, and nothing once it was received before", (t) =>
    withQueue(t, {}, async ({ queue }) => {
      const sentAtMs = Date.now()
      await send(queue, 'm')
      await delay(400)
      const first = await one(queue)
      assert.ok(first.readyForMs !== undefined, 'it says so')
      assert.ok(first.readyForMs >= 395 && first.readyForMs <= Date.now() - sentAtMs + 5, `${first.readyForMs} ms`)
      await first.reject({ reason: 'later' })
      const second = await one(queue)
      assert.deepEqual([second.attempt, second.readyForMs], [2, undefined])
      await second.acknowledge()
      const delayedAtMs = Date.now()
      await queue.send({ id: 'delayed', body: null, context: { correlationId: 'c' }, delayMs: 1_000 })
      const delayed = await one(queue)
      assert.ok(delayed.readyForMs !== undefined && delayed.readyForMs <= Date.now() - delayedAtMs - 1_000 + 5, `${delayed.readyForMs} ms`)
    }))

  test('every character that JSON knows comes back, also those that SQS does not take', (t) =>
    withQueue(t, {}, async ({ queue }) => {
      const body = '\u0000\u001f\u007f\ud800 🚢 \ufffe\uffff "\\'
      const context = { correlationId: body, baggage: 'a=b' }
      await queue.send({ id: body, body, context })
      const delivery = await one(queue)
      assert.deepEqual({ id: delivery.id, body: delivery.body, context: delivery.context }, { id: body, body, context })
      await delivery.reject({ reason: body, dead: true })
      const [dead] = await queue.deadLetters({ max: 1 })
      assert.deepEqual([dead!.id, dead!.body, dead!.reason], [body, body, body])
      assert.equal(await queue.requeueDead([body]), 1)
      assert.equal((await one(queue)).body, body)
    }))

  test('messages of other programs are understood, and what is no JSON is set aside with the reason', (t) =>
    withQueue(t, {}, async ({ queue, client, url }) => {
      const { MessageId: id } = await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: '{"from":"go"}' }))
      const delivery = await one(queue)
      assert.deepEqual([delivery.id, delivery.body, delivery.context], [id, { from: 'go' }, { correlationId: id }])
      await delivery.acknowledge()
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'hello' }))
      assert.deepEqual(await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 500 }), [])
      const [dead] = await queue.deadLetters({ max: 1 })
      assert.deepEqual([dead!.body, dead!.reason], ['hello', 'It cannot be read: its body is no JSON.'])
    }))

  test('dead letters are put back in the order in which they died', (t) =>
    withQueue(t, { name: freshName('fifo'), groupOf: () => 'all' }, async ({ queue }) => {
      const order = ['c', 'a', 'b']
      for (const id of order) await send(queue, id)
      for (const id of order) {
        const delivery = await one(queue)
        assert.equal(delivery.id, id)
        await delivery.reject({ reason: 'poison', dead: true })
      }
      assert.equal(await queue.requeueDead(['a', 'b', 'c']), 3)
      for (const id of order) {
        const delivery = await one(queue)
        assert.equal(delivery.id, id)
        await delivery.acknowledge()
      }
    }))
})

suite('a FIFO queue on SQS', () => {
  test('hands out the messages of a group one after another, and those of others meanwhile', (t) =>
    withQueue(t, { name: freshName('fifo'), groupOf: ({ body }) => body as string }, async ({ queue }) => {
      for (const [id, group] of [
        ['a1', 'a'],
        ['a2', 'a'],
        ['b1', 'b'],
      ] as const)
        await queue.send({ id, body: group, context: { correlationId: 'c' } })
      const first = await one(queue)
      const second = await one(queue)
      assert.deepEqual([first.id, second.id], ['a1', 'b1'])
      assert.deepEqual(await queue.receive({ max: 10, leaseMs: 60_000, waitMs: 300 }), [])
      // It comes again before what is behind it.
      await first.reject({ reason: 'again' })
      const again = await one(queue)
      assert.deepEqual([again.id, again.attempt], ['a1', 2])
      await again.acknowledge()
      assert.equal((await one(queue)).id, 'a2')
    }))

  test('a message that dies a second time within the five minutes is a dead letter a second time, and comes back again', (t) =>
    withQueue(t, { name: freshName('fifo') }, async ({ queue }) => {
      await send(queue, 'm')
      for (let death = 1; death <= 3; death++) {
        const delivery = await one(queue)
        assert.equal(delivery.attempt, 1)
        await delivery.reject({ reason: `death ${death}`, dead: true })
        const [dead, ...others] = await queue.deadLetters({ max: 10 })
        assert.deepEqual([dead!.reason, others], [`death ${death}`, []])
        assert.equal(await queue.requeueDead(['m']), 1)
      }
      // The id of the first is remembered all the same.
      await send(queue, 'm')
      assert.equal((await several(queue, 1)).length, 1)
      assert.deepEqual(await queue.receive({ max: 10, leaseMs: 60_000, waitMs: 300 }), [])
    }))

  test('ids and groups of any length and kind', (t) =>
    withQueue(t, { name: freshName('fifo') }, async ({ queue }) => {
      const ids = ['🚢'.repeat(100), 'x'.repeat(1_000), 'x'.repeat(1_001), 'ø']
      for (const id of [...ids, ...ids]) await send(queue, id)
      const deliveries = await several(queue, 4)
      assert.deepEqual(deliveries.map(({ id }) => id).sort(), [...ids].sort())
      assert.deepEqual(await queue.receive({ max: 10, leaseMs: 60_000, waitMs: 300 }), [])
    }))
})

suite('limits of a queue on SQS', () => {
  test('a delay of 15 minutes, a lease and a pause of 12 hours: beyond it a typed error, and nothing is changed', (t) =>
    withQueue(t, {}, async ({ queue }) => {
      const context = { correlationId: 'c' }
      await assert.rejects(queue.send({ id: 'm', body: 1, context, delayMs: 900_001 }), isFinalLimit)
      await queue.send({ id: 'delayed', body: 1, context, delayMs: 900_000 })
      assert.deepEqual(await queue.status(), { ready: 0, delayed: 1, leased: 0, dead: 0 })
      await assert.rejects(queue.receive({ max: 1, leaseMs: 43_200_000, waitMs: 0 }), isFinalLimit)
      await send(queue, 'm')
      const delivery = await one(queue)
      await assert.rejects(delivery.extend(43_200_000), isFinalLimit)
      await assert.rejects(delivery.reject({ reason: 'much later', delayMs: 43_200_001 }), isFinalLimit)
      await delivery.acknowledge()
    }))

  test('a body, a message with its attributes, and sends at one time have their limits', (t) =>
    withQueue(t, { unansweredMax: 1 }, async ({ queue, client, another }) => {
      const context = { correlationId: 'c' }
      await assert.rejects(queue.send({ id: 'm', body: 'x'.repeat(1_000_000), context }), isFinalLimit)
      await assert.rejects(queue.send({ id: 'm', body: undefined, context }), ConfigurationError)
      // What a queue reports that somebody made smaller.
      client.middlewareStack.add((next, { commandName }) => async (call) => {
        const answer = await next(call)
        const { output } = answer as unknown as { output: { Attributes: Record<string, string> } }
        if (commandName === 'GetQueueAttributesCommand') output.Attributes['MaximumMessageSize'] = '2000'
        return answer
      })
      const small = await another()
      await assert.rejects(small.send({ id: 'm', body: 'x'.repeat(1_960), context }), isFinalLimit)
      await small.send({ id: 'small', body: 'x'.repeat(1_800), context })
      const [first, second] = await Promise.allSettled([send(queue, 'first'), send(queue, 'second')])
      assert.equal(first.status, 'fulfilled')
      assert.ok(second.status === 'rejected' && second.reason instanceof LimitExceededError)
      assert.deepEqual((await several(queue, 2)).map(({ id }) => id).sort(), ['first', 'small'])
    }))

  test('a queue that sets aside otherwise than asked for is not opened', (t) =>
    withQueue(t, { deliveryLimit: 3 }, async ({ client, name }) => {
      await assert.rejects(openSqsQueue(client, { name, deliveryLimit: 4 }), ConfigurationError)
      await openSqsQueue(client, { name, deliveryLimit: 3 })
    }))

  test('a queue that somebody deleted takes nothing silently', (t) =>
    withQueue(t, {}, async ({ queue, client, url }) => {
      await client.send(new DeleteQueueCommand({ QueueUrl: url }))
      for (const work of [() => send(queue, 'm'), () => queue.receive({ max: 1, leaseMs: 1_000, waitMs: 0 }), () => queue.status()])
        await assert.rejects(work(), (error) => error instanceof UnavailableError && error.executed === 'no')
    }))

  test('settings that make no sense are refused before anything is asked of SQS', async () => {
    const client = clientOf('http://127.0.0.1:1')
    const wrong: SqsQueueOptions[] = [
      { name: '' },
      { name: 'a.b' },
      { name: 'x'.repeat(71) },
      { name: 'x', deliveryLimit: 0 },
      { name: 'x', deliveryLimit: 1_001 },
      { name: 'x', groupOf: () => 'g' },
    ]
    for (const options of wrong) await assert.rejects(openSqsQueue(client, options), ConfigurationError)
    client.destroy()
  })
})

interface Under {
  readonly queue: Queue
  readonly name: string
  readonly client: SQSClient
  readonly url: string
  /** The same queue as another process has it. */
  readonly another: () => Promise<Queue>
  /** How many of each command the client has made, by name. */
  readonly requests: Record<string, number>
}

type Ending = { after(fn: () => Promise<void> | void): void }

async function withQueue(t: Ending, options: Partial<SqsQueueOptions>, body: (under: Under) => Promise<void>): Promise<void> {
  const client = clientOf(await endpoint())
  t.after(() => client.destroy())
  const requests: Record<string, number> = {}
  client.middlewareStack.add((next, { commandName = '' }) => (call) => {
    requests[commandName] = (requests[commandName] ?? 0) + 1
    return next(call)
  })
  const { name = freshName(), ...rest } = options
  const another = async () => {
    const queue = await openSqsQueue(client, { name, ...rest })
    t.after(() => queue.close())
    return queue
  }
  const queue = await another()
  const { QueueUrl: url } = await client.send(new GetQueueUrlCommand({ QueueName: name }))
  await body({ queue, name, client, url: url!, another, requests })
}

function isFinalLimit(error: unknown): boolean {
  return error instanceof LimitExceededError && error.final
}

function send(queue: Queue, id: string): Promise<void> {
  return queue.send({ id, body: null, context: { correlationId: 'c' } })
}

async function one(queue: Queue): Promise<Delivery> {
  return (await several(queue, 1))[0]!
}

async function several(queue: Queue, messages: number): Promise<Delivery[]> {
  const found: Delivery[] = []
  while (found.length < messages) {
    const deliveries = await queue.receive({ max: messages - found.length, leaseMs: 60_000, waitMs: 20_000 })
    assert.ok(deliveries.length > 0 && deliveries.length <= 10, `${found.length} of ${messages} messages came`)
    found.push(...deliveries)
  }
  return found
}
