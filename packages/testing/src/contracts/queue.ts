import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { SeaworthyError, UnsupportedError } from 'seaworthy/core'
import { type DeadQueueMessage, type Delivery, type Queue, type QueueStatus, LeaseLostError } from 'seaworthy/messaging'
import { eventually } from './eventually.ts'
import type { QueueTraits } from './queue-traits.ts'
import { withFresh } from './with-fresh.ts'

/** One queue of the engine under test, empty, with a delivery limit of 3 and a dedupe window of 60,000 ms where it can be chosen. */
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
const SHOWS_WITHIN_MS = 20_000

/**
 * What every `Queue` must do, as tests of node:test.
 * @param open makes a fresh queue for each test
 */
export function queueContract(name: string, open: () => Promise<QueueUnderTest>, traits: QueueTraits = {}): void {
  const { deduplication = 'window', sendsWithDelay = true, waitsAfterRejectionAs = 'delayed', lagMs = 0 } = traits
  const { leaseMs: LEASE_MS = 1_000, delayMs: DELAY_MS = 2_000, earlyMs: EARLY_MS = 10, lateMs: LATE_MS = 10 } = traits

  const check = (sentence: string, body: (queue: Queue, under: QueueUnderTest) => Promise<void>) => {
    void test(sentence, () => withFresh(open, (under) => body(under.queue, under)))
  }
  const receive = (queue: Queue, max: number) => queue.receive({ max, leaseMs: LEASE_MS, waitMs: 0 })
  /** Whether a condition holds, at once or, where the engine takes its time, soon. */
  const shows = async (what: string, holds: () => Promise<boolean>) => {
    if (lagMs === 0) assert.ok(await holds(), `it is not true that ${what}`)
    else await eventually(what, holds, { withinMs: SHOWS_WITHIN_MS })
  }
  const several = async (queue: Queue, messages: number) => {
    const deliveries: Delivery[] = []
    await shows(`${messages} messages are ready`, async () => {
      deliveries.push(...(await receive(queue, messages - deliveries.length)))
      return deliveries.length === messages
    })
    return deliveries
  }
  const one = async (queue: Queue) => (await several(queue, 1))[0]!
  const none = async (queue: Queue) => {
    const untilMs = performance.now() + lagMs
    do {
      const deliveries = await receive(queue, 10)
      assert.deepEqual(
        deliveries.map(({ id }) => id),
        [],
      )
    } while (performance.now() < untilMs)
  }
  const counts = (queue: Queue, expected: QueueStatus) =>
    shows(`the counts are ${JSON.stringify(expected)}`, async () => isDeepStrictEqual({ ...(await queue.status()) }, expected))
  const dead = async (queue: Queue, expected: number) => {
    let found: readonly DeadQueueMessage[] = []
    await shows(`there are ${expected} dead letters`, async () => (found = await queue.deadLetters({ max: 10 })).length === expected)
    return found
  }

  void suite(`queue contract: ${name}`, { concurrency: traits.concurrency ?? false }, () => {
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
      await pass(2 * LEASE_MS)
      await none(queue)
      await counts(queue, { ready: 0, delayed: 0, leased: 0, dead: 0 })
    })

    check('where it is told how long a message could have been had, its delay is not counted', async (queue, { pass }) => {
      await send(queue, 'm')
      await pass(DELAY_MS)
      const first = await one(queue)
      assert.ok((first.readyForMs ?? DELAY_MS) >= DELAY_MS - EARLY_MS, `${first.readyForMs} of ${DELAY_MS} ms`)
      await first.reject({ reason: 'later', delayMs: DELAY_MS })
      await pass(DELAY_MS + LATE_MS)
      assert.ok(((await one(queue)).readyForMs ?? 0) < DELAY_MS)
    })

    if (deduplication === 'none') {
      check('ids are not remembered: what is sent twice comes twice', async (queue) => {
        await send(queue, 'm', 'first')
        await send(queue, 'm', 'second')
        const deliveries = await several(queue, 2)
        assert.deepEqual(deliveries.map(({ id, body }) => `${id} ${body as string}`).sort(), ['m first', 'm second'])
      })
    } else {
      check('an id is stored once within the window, even when its message was acknowledged', async (queue, { pass }) => {
        await Promise.all([send(queue, 'm', 'same'), send(queue, 'm', 'same'), send(queue, 'm', 'same')])
        await send(queue, 'm', 'other')
        const delivery = await one(queue)
        assert.equal(delivery.body, 'same')
        await send(queue, 'm')
        await none(queue)
        await delivery.acknowledge()
        await send(queue, 'm')
        await none(queue)
        if (deduplication === 'fixed-window') return
        await pass(DEDUPE_WINDOW_MS - 1_000)
        await send(queue, 'm')
        await none(queue)
      })
    }

    if (deduplication === 'window') {
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
    }

    check('a message comes again when its lease ends, and the former lease is worth nothing', async (queue, { pass }) => {
      await send(queue, 'm')
      const former = await one(queue)
      await pass(LEASE_MS - EARLY_MS)
      await none(queue)
      await pass(EARLY_MS + LATE_MS)
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
        await pass(LEASE_MS - EARLY_MS)
        await delivery.extend(LEASE_MS)
      }
      await none(queue)
      await pass(LEASE_MS - EARLY_MS)
      await delivery.acknowledge()
      await pass(LEASE_MS)
      await none(queue)
    })

    check('a rejected message comes again after its delay', async (queue, { pass }) => {
      await send(queue, 'm')
      await (await one(queue)).reject({ reason: 'not now', delayMs: DELAY_MS })
      await none(queue)
      await counts(queue, { ready: 0, delayed: 0, leased: 0, dead: 0, [waitsAfterRejectionAs]: 1 })
      await pass(DELAY_MS + LATE_MS)
      const again = await one(queue)
      assert.equal(again.attempt, 2)
      await again.reject({ reason: 'not now' })
      assert.equal((await one(queue)).attempt, 3)
    })

    if (sendsWithDelay) {
      check('a message sent with a delay comes after it', async (queue, { pass }) => {
        await queue.send({ id: 'm', body: 1, context: { correlationId: 'c' }, delayMs: DELAY_MS })
        await none(queue)
        await pass(DELAY_MS - Math.max(EARLY_MS, 100))
        await none(queue)
        await pass(Math.max(EARLY_MS, 100) + LATE_MS)
        await one(queue)
      })
    } else {
      check('a message with a delay is refused, and stored nowhere', async (queue) => {
        const sent = queue.send({ id: 'm', body: 1, context: { correlationId: 'c' }, delayMs: DELAY_MS })
        await assert.rejects(sent, (error) => error instanceof UnsupportedError && error.executed === 'no')
        await none(queue)
        await counts(queue, { ready: 0, delayed: 0, leased: 0, dead: 0 })
      })
    }

    check('at the delivery limit a message is set aside with the last reason', async (queue) => {
      await send(queue, 'm', { x: 1 })
      for (let attempt = 1; attempt <= DELIVERY_LIMIT; attempt++) {
        const delivery = await one(queue)
        assert.equal(delivery.attempt, attempt)
        await delivery.reject({ reason: `reason ${attempt}` })
      }
      await none(queue)
      const [letter] = await dead(queue, 1)
      assert.deepEqual({ ...letter, diedAtMs: 0 }, { id: 'm', body: { x: 1 }, attempts: 3, reason: 'reason 3', diedAtMs: 0 })
      await counts(queue, { ready: 0, delayed: 0, leased: 0, dead: 1 })
    })

    check('a message whose workers die without an answer is set aside too', async (queue, { pass }) => {
      await send(queue, 'm')
      for (let attempt = 1; attempt <= DELIVERY_LIMIT; attempt++) {
        assert.equal((await one(queue)).attempt, attempt)
        await pass(LEASE_MS + LATE_MS)
      }
      await none(queue)
      const [letter] = await dead(queue, 1)
      assert.equal(letter!.attempts, DELIVERY_LIMIT)
      assert.ok(letter!.reason.length > 0)
    })

    check('messages that are set aside do not keep the others from coming', async (queue, { pass }) => {
      for (let index = 0; index < 5; index++) await send(queue, `poison ${index}`)
      for (let attempt = 1; attempt <= DELIVERY_LIMIT; attempt++) {
        await several(queue, 5)
        await pass(LEASE_MS + LATE_MS)
      }
      await send(queue, 'good')
      assert.equal((await one(queue)).id, 'good')
      await none(queue)
      await dead(queue, 5)
    })

    check('a rejection can set a message aside at once', async (queue) => {
      await send(queue, 'm')
      await (await one(queue)).reject({ reason: 'hopeless', dead: true })
      await none(queue)
      const [letter] = await dead(queue, 1)
      assert.equal(letter!.reason, 'hopeless')
      assert.equal(letter!.attempts, 1)
    })

    check('dead letters that are put back start afresh; ids that are unknown count for nothing', async (queue) => {
      await send(queue, 'm', 'body')
      await (await one(queue)).reject({ reason: 'hopeless', dead: true })
      assert.equal(await queue.requeueDead(['m', 'm', 'unknown']), 1)
      await dead(queue, 0)
      const again = await one(queue)
      assert.equal(again.attempt, 1)
      assert.equal(again.body, 'body')
      await again.acknowledge()
      assert.equal(await queue.requeueDead(['m']), 0)
    })

    check('a delivery from before a message died does not answer for the one put back', async (queue, { pass }) => {
      await send(queue, 'm')
      const former = await one(queue)
      await pass(LEASE_MS + LATE_MS)
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
          for (let emptyAtMs: number | undefined; emptyAtMs === undefined || performance.now() < emptyAtMs + lagMs;) {
            // For so long that none ends while they are counted.
            const deliveries = await queue.receive({ max: 7, leaseMs: 30 * LEASE_MS, waitMs: 0 })
            emptyAtMs = deliveries.length === 0 ? (emptyAtMs ?? performance.now()) : undefined
            held.push(...deliveries.map(({ id }) => id))
          }
        }),
      )
      assert.equal(held.length, 100)
      assert.equal(new Set(held).size, 100)
      await counts(queue, { ready: 0, delayed: 0, leased: 100, dead: 0 })
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
      let waiting = wait()
      if (sendsWithDelay) {
        await queue.send({ id: 'm', body: 1, context: { correlationId: 'c' }, delayMs: DELAY_MS })
        await pass(DELAY_MS - Math.max(EARLY_MS, 100))
        assert.equal(arrived, undefined)
        await pass(Math.max(EARLY_MS, 100) + LATE_MS)
      } else {
        await send(queue, 'm')
      }
      await waiting
      waiting = wait()
      await pass(LEASE_MS - Math.max(EARLY_MS, 100))
      assert.equal(arrived, undefined)
      await pass(Math.max(EARLY_MS, 100) + LATE_MS)
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
        await pass(LEASE_MS + LATE_MS)
        try {
          if (deduplication !== 'none') {
            await send(survivor, 'acknowledged')
            await send(survivor, 'leased')
          }
          const deliveries = await several(survivor, 2)
          assert.deepEqual(deliveries.map(({ id, attempt }) => `${id} ${attempt}`).sort(), ['leased 2', 'ready 1'])
          await none(survivor)
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
