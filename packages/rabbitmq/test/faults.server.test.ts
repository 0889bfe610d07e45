import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openRabbitMqQueue } from '@seaworthy/rabbitmq'
import { eventually } from '@seaworthy/testing'
import { type FaultProxy, startFaultProxy } from '@seaworthy/testing/fault-proxy'
import { UnavailableError, UnknownOutcomeError, executedOf } from 'seaworthy/core'
import { LeaseLostError, type Queue } from 'seaworthy/messaging'
import { startRabbitMq } from '../../../test/servers/rabbitmq.ts'
import { removeQueue } from './remove-queue.ts'
import { brokerUrl, freshName, openBroker, portOf } from './server.ts'

const QUEUE_SETTLES_MS = 5_000

suite('RabbitMQ behind a bad network', () => {
  test('a send that is cut off before its confirm says maybe, and the message is there', (t) =>
    behindProxy(t, async ({ queue, proxy, direct }) => {
      await send(queue, 'before')
      await proxy.afflict({ downstream: { halfOpen: true } })
      const sent = send(queue, 'cut off')
      const refused = assert.rejects(sent, (error) => error instanceof UnknownOutcomeError && error.executed === 'maybe')
      await eventually('the message is stored', async () => (await direct.status()).ready === 2)
      assert.equal(proxy.disconnect('reset'), 1)
      await refused
      await proxy.heal()
      await send(queue, 'after')
      assert.deepEqual(await ids(direct, 3), ['after', 'before', 'cut off'])
    }))

  test('a broker that falls silent makes a send, an acknowledgement and an extension unknown, never done', (t) =>
    behindProxy(t, async ({ queue, proxy, direct }) => {
      await send(queue, 'one')
      await send(queue, 'two')
      const [one] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 10_000 })
      const [two] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 10_000 })
      await proxy.afflict({ upstream: { halfOpen: true }, downstream: { halfOpen: true } })
      await Promise.all([
        assert.rejects(send(queue, 'three'), UnknownOutcomeError),
        assert.rejects(one!.acknowledge(), UnknownOutcomeError),
        assert.rejects(two!.extend(60_000), UnknownOutcomeError),
      ])
      assert.ok(proxy.effects['half-open'] > 0)
      // Both come again, since the broker heard of no answer before the connection broke.
      proxy.disconnect('reset')
      await proxy.heal()
      assert.deepEqual(await ids(direct, 2), ['one', 'two'])
    }))

  test('a lost connection ends leases at once: the message goes to somebody else, and former answers are refused', (t) =>
    behindProxy(t, async ({ queue, proxy, direct }) => {
      await send(queue, 'm')
      const [former] = await queue.receive({ max: 1, leaseMs: 600_000, waitMs: 10_000 })
      assert.equal(former!.attempt, 1)
      proxy.disconnect('reset')
      const [again] = await direct.receive({ max: 1, leaseMs: 600_000, waitMs: 10_000 })
      assert.equal(again!.attempt, 2)
      for (const answer of [() => former!.acknowledge(), () => former!.extend(1), () => former!.reject({ reason: 'late' })])
        await assert.rejects(answer(), LeaseLostError)
      await again!.acknowledge()
    }))

  test('a receive that waits while the connection is lost gets what is sent afterwards', (t) =>
    behindProxy(t, async ({ queue, proxy, direct }) => {
      await send(queue, 'before')
      const [before] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 20_000 })
      await before!.acknowledge()
      const waiting = queue.receive({ max: 1, leaseMs: 60_000, waitMs: 60_000 })
      assert.equal(proxy.open, 2)
      const { accepted } = proxy
      assert.equal(proxy.disconnect('reset'), 2)
      await send(direct, 'm')
      assert.equal((await waiting)[0]!.id, 'm')
      assert.ok(proxy.accepted > accepted)
    }))

  test('without a connection a send and a receive are surely not executed', (t) =>
    behindProxy(t, async ({ queue, proxy }) => {
      await proxy.afflict({ refuse: true })
      proxy.disconnect('reset')
      const isUnavailable = (error: unknown) => error instanceof UnavailableError && error.executed === 'no'
      // The first may have been written to the connection that was just reset.
      await send(queue, 'm').catch(() => undefined)
      await assert.rejects(send(queue, 'm'), isUnavailable)
      await assert.rejects(queue.receive({ max: 1, leaseMs: 1_000, waitMs: 0 }), isUnavailable)
      await proxy.heal()
      await send(queue, 'm')
    }))
})

suite('RabbitMQ itself in trouble', () => {
  test('a broker that is killed under load and comes back on its data has every confirmed message', async (t) => {
    const server = await startRabbitMq()
    t.after(() => server.stop())
    const broker = await openBroker(server.url)
    t.after(() => broker.close())
    const queue = await openRabbitMqQueue(broker, { name: 'load', deliveryLimit: 100, answerTimeoutMs: 5_000 })
    const confirmed = new Set<string>()
    const received = new Map<string, number>()
    const outcomes = { no: 0, maybe: 0, yes: 0 }
    const sending = new AbortController()
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let number = 0; !sending.signal.aborted; number++) {
        const id = `${sender}-${number}`
        try {
          await send(queue, id)
          confirmed.add(id)
        } catch (error) {
          outcomes[executedOf(error)]++
          await delay(10)
        }
      }
    })
    const receiving = new AbortController()
    const receivers = Array.from({ length: 2 }, async () => {
      while (!receiving.signal.aborted) {
        const deliveries = await queue.receive({ max: 16, leaseMs: 60_000, waitMs: 200 }).catch(() => delay(10, []))
        for (const delivery of deliveries) received.set(delivery.id, (received.get(delivery.id) ?? 0) + 1)
        // An acknowledgement that is lost with the broker is a message that comes again.
        await Promise.allSettled(deliveries.map((delivery) => delivery.acknowledge()))
      }
    })
    // RabbitMQ 3.10 that is killed within about a second of a quorum queue's declaration has a queue afterwards that takes nothing, from nobody.
    await delay(QUEUE_SETTLES_MS)
    for (let kills = 1; kills <= 2; kills++) {
      const before = confirmed.size
      await eventually('messages are confirmed', () => confirmed.size > before + 200, { withinMs: 180_000 })
      const { maybe } = outcomes
      await server.kill('KILL')
      await eventually('sends lost their answer', () => outcomes.maybe > maybe, { withinMs: 60_000 })
      await server.start()
    }
    const before = confirmed.size
    await eventually('messages are confirmed again', () => confirmed.size > before + 200, { withinMs: 180_000 })
    sending.abort()
    await Promise.all(senders)
    await eventually('all that was confirmed has come', () => [...confirmed].every((id) => received.has(id)), { withinMs: 180_000 })
    receiving.abort()
    await Promise.all(receivers)
    await queue.close()
    const again = [...received.values()].filter((times) => times > 1).length
    t.diagnostic(`${confirmed.size} confirmed, all received; ${again} came more than once; ${outcomes.maybe} sends ended unknown`)
  })

  test('a broker short of memory refuses what is sent to it, surely not executed, and takes messages again when it has room', async (t) => {
    const server = await startRabbitMq()
    t.after(() => server.stop())
    const broker = await openBroker(server.url)
    t.after(() => broker.close())
    const queue = await openRabbitMqQueue(broker, { name: 'memory', answerTimeoutMs: 1_000 })
    await send(queue, 'before')
    server.control('set_vm_memory_high_watermark', 'absolute', '1MB')
    // The broker tells a connection when it publishes, and this first message may wait without an answer.
    let refusal: unknown
    await eventually('a send is refused', async () => {
      refusal = await send(queue, 'meanwhile').then(
        () => undefined,
        (error: unknown) => error,
      )
      return refusal instanceof UnavailableError
    })
    assert.match(String(refusal), /takes no messages now \(low on memory\)/)
    // Who takes messages out is not held up by that.
    const [before] = await queue.receive({ max: 1, leaseMs: 60_000, waitMs: 10_000 })
    await before!.acknowledge()
    server.control('set_vm_memory_high_watermark', '0.4')
    await eventually(
      'a send is confirmed',
      () =>
        send(queue, 'after').then(
          () => true,
          () => false,
        ),
      { withinMs: 60_000 },
    )
    await queue.close()
  })
})

interface Proxied {
  readonly queue: Queue
  readonly proxy: FaultProxy
  /** The same queue as another process has it, on a connection that nothing happens to. */
  readonly direct: Queue
}

async function behindProxy(t: { after(fn: () => Promise<void>): void }, body: (under: Proxied) => Promise<void>): Promise<void> {
  const url = await brokerUrl()
  const proxy = await startFaultProxy({ target: { port: portOf(url) } })
  t.after(() => proxy.close())
  const through = new URL(url)
  through.port = String(proxy.port)
  const name = freshName()
  const [afflicted, sound] = [await openBroker(through.href, { connectTimeoutMs: 1_000 }), await openBroker(url)]
  const queue = await openRabbitMqQueue(afflicted, { name, answerTimeoutMs: 1_000 })
  const direct = await openRabbitMqQueue(sound, { name })
  try {
    await body({ queue, proxy, direct })
  } finally {
    await proxy.heal()
    await Promise.all([queue.close(), direct.close()])
    await Promise.all([afflicted.close(), sound.close()])
    await removeQueue(url, name)
  }
}

function send(queue: Queue, id: string): Promise<void> {
  return queue.send({ id, body: null, context: { correlationId: 'c' } })
}

/** Takes so many, and answers their ids in order. */
async function ids(queue: Queue, messages: number): Promise<string[]> {
  const found: string[] = []
  while (found.length < messages) {
    const deliveries = await queue.receive({ max: messages, leaseMs: 60_000, waitMs: 20_000 })
    assert.ok(deliveries.length > 0, `only ${found.length} messages came`)
    found.push(...deliveries.map(({ id }) => id))
    await Promise.all(deliveries.map((delivery) => delivery.acknowledge()))
  }
  return found.sort()
}
