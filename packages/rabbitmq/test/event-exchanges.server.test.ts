import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import { Connection } from 'rabbitmq-client'
import { openRabbitMqExchanges } from '@seaworthy/rabbitmq'
import { eventually } from '@seaworthy/testing'
import { ConfigurationError, UnavailableError } from 'seaworthy/core'
import { type EventEnvelope, TopicNotOwnedError } from 'seaworthy/messaging'
import { brokerUrl, freshName, openBroker } from './server.ts'

let made = 0

function event(type: string, key: string, sequence: number): EventEnvelope {
  return {
    id: `event-${++made}`,
    type,
    version: 1,
    source: 'orders',
    key,
    sequence,
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'c',
    data: { sequence },
  }
}

/** A topic of its own, and a program at the other end that knows AMQP alone. */
async function exchanges(t: TestContext) {
  const url = await brokerUrl()
  const topic = freshName()
  // In the reverse order, the connection last.
  const cleanUp = new AsyncDisposableStack()
  t.after(() => cleanUp.disposeAsync())
  const other = new Connection(url)
  cleanUp.defer(() => other.close())
  const broker = await openBroker(url)
  cleanUp.defer(() => broker.close())
  const log = await openRabbitMqExchanges(broker, { topics: [topic] })
  cleanUp.defer(() => log.close())
  cleanUp.defer(() => other.exchangeDelete({ exchange: topic }))
  const bound = async (pattern: string) => {
    const queue = freshName()
    await other.queueDeclare({ queue, durable: true, arguments: { 'x-queue-type': 'quorum' } })
    await other.queueBind({ queue, exchange: topic, routingKey: pattern })
    cleanUp.defer(async () => void (await other.queueDelete({ queue })))
    return queue
  }
  const taken = async (queue: string, count: number) => {
    const messages: { readonly type: string | undefined; readonly id: string | undefined; readonly body: Record<string, unknown> }[] = []
    await eventually(
      `${count} messages lie in the queue`,
      async () => {
        for (let message = await other.basicGet({ queue, noAck: true }); message !== undefined;) {
          const { contentType, body, messageId } = message
          messages.push({ type: contentType, id: messageId, body: JSON.parse(String(body)) as Record<string, unknown> })
          message = await other.basicGet({ queue, noAck: true })
        }
        return messages.length >= count
      },
      { withinMs: 20_000 },
    )
    return messages
  }
  return { topic, log, other, broker, bound, taken, cleanUp }
}

const told = (messages: readonly { readonly body: Record<string, unknown> }[]) =>
  messages.map(({ body }) => [body['partitionkey'], Number(body['sequence'])])

suite('the exchanges of a relay', () => {
  test('route an event by its type, as a CloudEvent, each key in its order', async (t) => {
    const { topic, log, bound, taken } = await exchanges(t)
    const [all, cancelled] = [await bound('#'), await bound('order.cancelled')]
    const events = [event('order.placed', 'a', 1), event('order.placed', 'b', 1), event('order.cancelled', 'a', 2)]
    await log.append(topic, events)
    const messages = await taken(all, 3)
    assert.deepEqual(
      messages.filter(({ body }) => body['partitionkey'] === 'a').map(({ body }) => body['type']),
      ['order.placed', 'order.cancelled'],
    )
    const [only] = await taken(cancelled, 1)
    assert.equal(only!.type, 'application/cloudevents+json; charset=utf-8')
    assert.equal(only!.id, events[2]!.id)
    assert.deepEqual(only!.body, {
      specversion: '1.0',
      id: events[2]!.id,
      source: 'orders',
      type: 'order.cancelled',
      time: '2026-01-01T00:00:00.000Z',
      partitionkey: 'a',
      sequence: '0000000000000002',
      version: 1,
      correlationid: 'c',
      datacontenttype: 'application/json',
      data: { sequence: 2 },
    })
  })

  test('fail an append that no queue takes, and send nothing of its key after it', async (t) => {
    const { topic, log, bound, taken } = await exchanges(t)
    const placed = await bound('order.placed')
    const events = [event('order.cancelled', 'a', 1), event('order.placed', 'a', 2), event('order.placed', 'b', 1)]
    await assert.rejects(log.append(topic, events), (error) => error instanceof UnavailableError && error.message.includes(topic))
    assert.deepEqual(told(await taken(placed, 1)), [['b', 1]])
    const all = await bound('#')
    await log.append(topic, events)
    const keyed = told(await taken(all, 3)).filter(([key]) => key === 'a')
    assert.deepEqual(keyed, [
      ['a', 1],
      ['a', 2],
    ])
  })

  test('come back when somebody has deleted them', async (t) => {
    const { topic, log, other, bound, taken } = await exchanges(t)
    await bound('#')
    await log.append(topic, [event('order.placed', 'a', 1)])
    await other.exchangeDelete({ exchange: topic })
    const lost = event('order.placed', 'a', 2)
    await assert.rejects(log.append(topic, [lost]))
    // It is there again, and its bindings are not: they are another's.
    await assert.rejects(log.append(topic, [lost]), UnavailableError)
    const queue = await bound('#')
    await log.append(topic, [lost])
    assert.deepEqual(told(await taken(queue, 1)), [['a', 2]])
  })

  test('are of type topic, and take no event of another topic', async (t) => {
    const { topic, log, other, broker, cleanUp } = await exchanges(t)
    const fanout = freshName()
    await other.exchangeDeclare({ exchange: fanout, type: 'fanout', durable: true })
    cleanUp.defer(() => other.exchangeDelete({ exchange: fanout }))
    await assert.rejects(openRabbitMqExchanges(broker, { topics: [fanout] }), ConfigurationError)
    await assert.rejects(log.append('other', [event('order.placed', 'a', 1)]), TopicNotOwnedError)
    await assert.rejects(log.append(topic, [event('x'.repeat(256), 'a', 1)]), ConfigurationError)
  })
})
