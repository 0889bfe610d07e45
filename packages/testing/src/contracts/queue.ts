import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { SeaworthyError } from 'seaworthy/core'
import { type Delivery, type Queue, LeaseLostError } from 'seaworthy/messaging'
import { withFresh } from './with-fresh.ts'

/** One queue of the engine under test, empty, with a delivery limit of 3 and a dedupe window of 60,000 ms. */
export interface QueueUnderTest {
  readonly queue: Queue
  /** Waits until `ms` have passed on the queue's clock. */
  readonly pass: (ms: number) => Promise<void>
  /** What another process finds that takes over after this one died at this moment, without a chance to close. Absent: it cannot be simulated here. */
  readonly crash?: () => Promise<Queue>
  readonly dispose: () => Promise<void>
}

const DELIVERY_LIMIT = 3
const DEDUPE_WINDOW_MS = 60_000
const LEASE_MS = 1_000

/**
 * What every `Queue` must do, as tests of node:test.
 * @param open makes a fresh queue for each test
 */
export function queueContract(name: string, open: () => Promise<QueueUnderTest>): void {
  const check = (sentence: string, body: (queue: Queue, under: QueueUnderTest) => Promise<void>) => {
    void test(sentence, () => withFresh(open, (under) => body(under.queue, under)))
  }

  void suite(`queue contract: ${name}`, () => {
    check('a message comes as it was sent, once, and is gone when it is acknowledged', async (queue, { pass }) => {
      const context = { correlationId: 'c-1', causationId: 'cause', baggage: 'a=b', actor: 'somebody' }
      await queue.send({ id: 'm', body: { nested: [1, null, 'Ærø 🚢'] }, context })
      const delivery = await one(queue)
      assert.deepEqual(
        { id: delivery.id, body: delivery.body, context: delivery.context, attempt: delivery.attempt },
        { id: 'm', body: { nested: [1, null, 'Ærø 🚢'] }, context, attempt: 1 },
      )
      await none(queue)
      await delivery.acknowledge()
      await pass(10 * LEASE_MS)
      await none(queue)
      assert.deepEqual(await queue.status(), { ready: 0, delayed: 0, leased: 0, dead: 0 })
    })

    check('an id is stored once within the window, even when its message was acknowledged', async (queue, { pass }) => {
      await Promise.all([send(queue, 'm', 'first'), send(queue, 'm', 'second'), send(queue, 'm', 'third')])
      const delivery = await one(queue)
      assert.equal(delivery.body, 'first')
      await send(queue, 'm')
      await none(queue)
      await delivery.acknowledge()
      await send(queue, 'm')
      await none(queue)
      await pass(DEDUPE_WINDOW_MS - 1_000)
      await send(queue, 'm')
      await none(queue)
    })

    check('an id that was forgotten after the window is a message of its own again', async (queue, { pass }) => {
      await send(queue, 'm')
      await (await one(queue)).acknowledge()
      await pass(DEDUPE_WINDOW_MS + 1_000)
      await send(queue, 'm', 'again')
      assert.equal((await one(queue)).body, 'again')
    })

    check('a message that waits for longer than the window is not stored beside itself', async (queue, { pass }) => {
      await send(queue, 'm', 'first')
      await pass(DEDUPE_WINDOW_MS + 1_000)
      await send(queue, 'm', 'second')
      const deliveries = await receive(queue, 10)
      assert.deepEqual(
        deliveries.map(({ body }) => body),
        ['first'],
      )
    })

    check('a message comes again when its lease ends, and the former lease is worth nothing', async (queue, { pass }) => {
      await send(queue, 'm')
      const former = await one(queue)
      await pass(LEASE_MS - 10)
      await none(queue)
      await pass(20)
      const answers = [() => former.acknowledge(), () => former.extend(LEASE_MS), () => former.reject({ reason: 'late' })]
      for (const answer of answers) await assert.rejects(answer(), LeaseLostError)
      const again = await one(queue)
      assert.equal(again.attempt, 2)
      for (const answer of answers) await assert.rejects(answer(), LeaseLostError)
      await again.acknowledge()
      for (const answer of [...answers, () => again.acknowledge()]) await assert.rejects(answer(), LeaseLostError)
    })

    check('an extended lease holds for as long as it was extended, counted from then', async (queue, { pass }) => {
      await send(queue, 'm')
      const delivery = await one(queue)
      for (let round = 0; round < 5; round++) {
        await pass(LEASE_MS - 100)
        await delivery.extend(LEASE_MS)
      }
      await none(queue)
      await pass(LEASE_MS - 100)
      await delivery.acknowledge()
      await pass(LEASE_MS)
      await none(queue)
    })

    check('a rejected message comes again after its delay', async (queue, { pass }) => {
      await send(queue, 'm')
      await (await one(queue)).reject({ reason: 'not now', delayMs: 500 })
      await none(queue)
      assert.deepEqual(await queue.status(), { ready: 0, delayed: 1, leased: 0, dead: 0 })
      await pass(510)
      const again = await one(queue)
      assert.equal(again.attempt, 2)
      await again.reject({ reason: 'not now' })
      assert.equal((await one(queue)).attempt, 3)
    })

    check('a message sent with a delay comes after it', async (queue, { pass }) => {
      await queue.send({ id: 'm', body: 1, context: { correlationId: 'c' }, delayMs: 2_000 })
      await none(queue)
      await pass(1_900)
      await none(queue)
      await pass(110)
      await one(queue)
    })

    check('at the delivery limit a message is set aside with the last reason', async (queue) => {
      await send(queue, 'm', { x: 1 })
      for (let attempt = 1; attempt <= DELIVERY_LIMIT; attempt++) {
        const delivery = await one(queue)
        assert.equal(delivery.attempt, attempt)
        await delivery.reject({ reason: `reason ${attempt}` })
      }
      await none(queue)
      const [dead, ...others] = await queue.deadLetters({ max: 10 })
      assert.deepEqual(others, [])
      assert.deepEqual({ ...dead, diedAtMs: 0 }, { id: 'm', body: { x: 1 }, attempts: 3, reason: 'reason 3', diedAtMs: 0 })
      assert.equal((await queue.status()).dead, 1)
    })

    check('a message whose workers die without an answer is set aside too', async (queue, { pass }) => {
      await send(queue, 'm')
      for (let attempt = 1; attempt <= DELIVERY_LIMIT; attempt++) {
        assert.equal((await one(queue)).attempt, attempt)
        await pass(LEASE_MS + 10)
      }
      await none(queue)
      const [dead] = await queue.deadLetters({ max: 10 })
      assert.equal(dead!.attempts, DELIVERY_LIMIT)
      assert.ok(dead!.reason.length > 0)
    })

    check('messages that are set aside do not keep the others from coming', async (queue, { pass }) => {
      for (let index = 0; index < 5; index++) await send(queue, `poison ${index}`)
      for (let attempt = 1; attempt <= DELIVERY_LIMIT; attempt++) {
        assert.equal((await receive(queue, 10)).length, 5)
        await pass(LEASE_MS + 10)
      }
      await send(queue, 'good')
      assert.equal((await one(queue)).id, 'good')
      assert.equal((await queue.deadLetters({ max: 10 })).length, 5)
    })

    check('a rejection can set a message aside at once', async (queue) => {
      await send(queue, 'm')
      await (await one(queue)).reject({ reason: 'hopeless', dead: true })
      await none(queue)
      const [dead] = await queue.deadLetters({ max: 10 })
      assert.equal(dead!.reason, 'hopeless')
      assert.equal(dead!.attempts, 1)
    })

    check('dead letters that are put back start afresh; ids that are unknown count for nothing', async (queue) => {
      await send(queue, 'm', 'body')
      await (await one(queue)).reject({ reason: 'hopeless', dead: true })
      assert.equal(await queue.requeueDead(['m', 'm', 'unknown']), 1)
      assert.deepEqual(await queue.deadLetters({ max: 10 }), [])
      const again = await one(queue)
      assert.equal(again.attempt, 1)
      assert.equal(again.body, 'body')
      await again.acknowledge()
      assert.equal(await queue.requeueDead(['m']), 0)
    })

    check('a delivery from before a message died does not answer for the one put back', async (queue, { pass }) => {
      await send(queue, 'm')
      const former = await one(queue)
      await pass(LEASE_MS + 10)
      await (await one(queue)).reject({ reason: 'hopeless', dead: true })
      await queue.requeueDead(['m'])
      const again = await one(queue)
      await assert.rejects(former.acknowledge(), LeaseLostError)
      await again.acknowledge()
    })

    check('receivers at the same time never hold the same message', async (queue) => {
      await Promise.all(Array.from({ length: 100 }, (_, index) => send(queue, `m${index}`)))
      const held: string[] = []
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          for (;;) {
            const deliveries = await receive(queue, 7)
            if (deliveries.length === 0) return
            held.push(...deliveries.map(({ id }) => id))
          }
        }),
      )
      assert.equal(held.length, 100)
      assert.equal(new Set(held).size, 100)
      assert.equal((await queue.status()).leased, 100)
    })

    check('a waiting receive gets what is sent, is put back, or is rejected', async (queue) => {
      let waiting = queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 60_000 })
      await send(queue, 'm')
      const [first] = await waiting
      waiting = queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 60_000 })
      await first!.reject({ reason: 'again' })
      const [second] = await waiting
      assert.equal(second!.attempt, 2)
      await second!.reject({ reason: 'hopeless', dead: true })
      waiting = queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 60_000 })
      await queue.requeueDead(['m'])
      assert.equal((await waiting)[0]!.attempt, 1)
    })

    check('a waiting receive gets a delayed message, and one whose lease ends, in their time', async (queue, { pass }) => {
      let arrived: readonly Delivery[] | undefined
      const wait = () => {
        arrived = undefined
        return queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 600_000 }).then((deliveries) => (arrived = deliveries))
      }
      await queue.send({ id: 'm', body: 1, context: { correlationId: 'c' }, delayMs: 5_000 })
      let waiting = wait()
      await pass(4_900)
      assert.equal(arrived, undefined)
      await pass(110)
      await waiting
      waiting = wait()
      await pass(LEASE_MS - 100)
      assert.equal(arrived, undefined)
      await pass(110)
      assert.equal((await waiting)[0]!.attempt, 2)
    })

    check('a receive that waited in vain ends empty', async (queue, { pass }) => {
      const waiting = queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 100 })
      await pass(110)
      assert.deepEqual(await waiting, [])
    })

    check('an abort ends a waiting receive with its reason, and takes no message along', async (queue) => {
      const controller = new AbortController()
      const reason = new Error('enough')
      const waiting = queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 60_000, signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(waiting, (error) => error === reason)
      await send(queue, 'm')
      assert.equal((await one(queue)).attempt, 1)
    })

    check('close ends a waiting receive, and a closed queue is refused', async (queue) => {
      const waiting = queue.receive({ max: 1, leaseMs: LEASE_MS, waitMs: 60_000 })
      const ended = assert.rejects(waiting, SeaworthyError)
      // So that it waits for a message, and not for its turn.
      await new Promise((resolve) => setImmediate(resolve))
      await queue.close()
      await ended
      await assert.rejects(send(queue, 'm'), (error) => error instanceof SeaworthyError && error.executed === 'no')
    })

    check(
      'after a crash nothing is lost: what was leased comes again, counted; what was acknowledged is gone, and remembered',
      async (queue, { crash, pass }) => {
        if (crash === undefined) return
        await send(queue, 'acknowledged')
        await (await one(queue)).acknowledge()
        await send(queue, 'leased')
        await one(queue)
        await send(queue, 'ready')
        const survivor = await crash()
        // Where several processes share a queue, nobody can tell a dead one from a slow one before its lease ends.
        await pass(LEASE_MS + 10)
        try {
          await send(survivor, 'acknowledged')
          await send(survivor, 'leased')
          const deliveries = await receive(survivor, 10)
          assert.deepEqual(deliveries.map(({ id, attempt }) => `${id} ${attempt}`).sort(), ['leased 2', 'ready 1'])
        } finally {
          await survivor.close()
        }
      },
    )
  })
}

function send(queue: Queue, id: string, body: unknown = null): Promise<void> {
  return queue.send({ id, body, context: { correlationId: 'c' } })
}

function receive(queue: Queue, max: number): Promise<readonly Delivery[]> {
  return queue.receive({ max, leaseMs: LEASE_MS, waitMs: 0 })
}

async function one(queue: Queue): Promise<Delivery> {
  const deliveries = await receive(queue, 1)
  assert.equal(deliveries.length, 1, 'no message is ready')
  return deliveries[0]!
}

async function none(queue: Queue): Promise<void> {
  assert.deepEqual(
    (await receive(queue, 10)).map(({ id }) => id),
    [],
  )
}
