import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { executedOf, sleep, systemClock } from 'seaworthy/core'
import type { LogRecord } from 'seaworthy/messaging'
import { openKafkaEventLog } from '@seaworthy/kafka'
import { startKafka } from '../../../test/servers/kafka.ts'
import { drained, published } from './events.ts'

// On brokers of their own: they are ended and started again.
void suite('when the broker goes away under load', () => {
  test('no acknowledged record is lost, none is repeated, and each key keeps its order', { timeout: 300_000 }, async (t) => {
    const broker = await startKafka()
    t.after(() => broker.stop())
    const log = await openKafkaEventLog({ connection: broker.url, owns: ['alpha'], partitions: 4, deliveryTimeoutMs: 120_000 })
    t.after(() => log.close())
    const run = { stopped: false, appends: 0 }
    const acknowledged = new Map<string, number>()
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const key = `key${writer}`
      for (let n = 1; !run.stopped; n += 3) {
        await log.append('alpha', [published(key, n), published(key, n + 1), published(key, n + 2)])
        acknowledged.set(key, n + 2)
        run.appends++
      }
    })
    const live: LogRecord[] = []
    const reader = await log.reader({ topics: ['alpha'], group: 'live' })
    const reading = (async () => {
      while (!run.stopped) {
        try {
          live.push(...(await reader.poll({ max: 200, waitMs: 100 })))
        } catch (error) {
          // As the consumer does: a broker that is away is waited for.
          assert.equal(executedOf(error), 'no')
          await sleep(systemClock, 50)
        }
      }
    })()
    const more = async (count: number) => {
      const enough = run.appends + count
      while (run.appends < enough) await sleep(systemClock, 10)
    }
    await more(50)
    for (const signal of ['KILL', 'TERM'] as const) {
      await broker.kill(signal)
      // The fault is real: nothing is acknowledged while nobody is there.
      const before = run.appends
      await sleep(systemClock, 300)
      assert.ok(run.appends - before <= writers.length)
      await broker.start()
      await more(50)
    }
    run.stopped = true
    await Promise.all(writers)
    await reading
    live.push(...(await drained(reader)))
    const stored = await drained(await log.reader({ topics: ['alpha'], group: 'audit' }))
    for (const [what, records] of [
      ['stored', stored],
      ['read', live],
    ] as const) {
      for (const [key, last] of acknowledged) {
        const sequences = records.filter(({ event }) => event.key === key).map(({ event }) => event.sequence)
        assert.deepEqual(
          sequences,
          Array.from({ length: last }, (_, index) => index + 1),
          `${what}, ${key}`,
        )
      }
    }
  })

  test(
    'an append fails when its time is over, and says whether it may be stored; later ones go through in order',
    { timeout: 300_000 },
    async (t) => {
      const broker = await startKafka()
      t.after(() => broker.stop())
      const log = await openKafkaEventLog({ connection: broker.url, owns: ['alpha'], partitions: 1, deliveryTimeoutMs: 3_000 })
      t.after(() => log.close())
      // As a relay does: the same again, until it is confirmed.
      const relayed = async (n: number): Promise<void> => log.append('alpha', [published('a', n)]).catch(() => relayed(n))
      await relayed(1)
      await broker.kill('KILL')
      const failure = await log.append('alpha', [published('a', 2)]).then(
        () => assert.fail('nobody was there to store it'),
        (error: unknown) => error,
      )
      assert.ok(['no', 'maybe'].includes(executedOf(failure)), String(failure))
      await broker.start()
      for (const n of [2, 3, 4]) await relayed(n)
      const records = await drained(await log.reader({ topics: ['alpha'], group: 'g' }))
      const sequences = records.map(({ event }) => event.sequence)
      assert.deepEqual([...new Set(sequences)], [1, 2, 3, 4])
      assert.deepEqual(
        sequences,
        sequences.toSorted((a, b) => a - b),
      )
    },
  )
})
