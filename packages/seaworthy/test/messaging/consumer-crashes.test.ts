import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { replay } from 'seaworthy/messaging'
import { consumerStage, spying } from './consumer-stage.ts'
import { published, sequences } from './events.ts'

void suite('crashes', () => {
  test('between the handler’s commit and the offset’s: the message comes again, and behind the inbox has one effect', async () => {
    const stage = consumerStage()
    let refused = 0
    const log = spying(stage.log, () => ({
      commit: async () => {
        refused++
        throw new Error('the process died before this')
      },
    }))
    await stage.log.append('things', [published('a', 1), published('a', 2)])
    await stage.start({ log, handler: stage.idempotent })
    await stage.clock.advance(100)
    assert.equal(refused, 1)
    stage.crash()
    const next = await stage.start({ handler: stage.idempotent })
    await stage.log.append('things', [published('a', 3)])
    await stage.clock.advance(200)
    assert.deepEqual(stage.ids(), ['a-1', 'a-2', 'a-3'])
    await next.stop()
  })

  test('the same without an inbox has two effects: that is what the inbox is for', async () => {
    const stage = consumerStage()
    const log = spying(stage.log, () => ({ commit: () => Promise.reject(new Error('the process died before this')) }))
    await stage.log.append('things', [published('a', 1)])
    await stage.start({ log })
    await stage.clock.advance(100)
    stage.crash()
    const next = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'a-1'])
    await next.stop()
  })

  test('a message that kills the process each time is set aside after its attempts, and the others go on', async () => {
    const stage = consumerStage()
    stage.behave = ({ id }) => (id === 'a-1' ? new Promise(() => undefined) : undefined)
    await stage.log.append('things', [published('a', 1), published('a', 2), published('b', 1)])
    for (let crash = 1; crash <= 3; crash++) {
      await stage.start({ attemptsMax: 3 })
      await stage.clock.advance(0)
      assert.equal(stage.attempts.filter(({ id }) => id === 'a-1').length, crash)
      stage.crash()
    }
    const next = await stage.start({ attemptsMax: 3 })
    await stage.clock.advance(0)
    assert.equal(stage.attempts.filter(({ id }) => id === 'a-1').length, 3)
    assert.deepEqual(new Set(stage.ids()), new Set(['b-1']))
    const letters = await stage.store.deadLetters('history', { max: 10 })
    assert.deepEqual(
      letters.map(({ event: { id }, kind, attempts }) => [id, kind, attempts]),
      [
        ['a-1', 'parked', 3],
        ['a-2', 'held', 0],
      ],
    )
    assert.match(letters[0]!.reason, /The process ended/)
    await next.stop()
  })

  test('only the message that kills the process is set aside, not those handled before it nor those in progress beside it', async () => {
    const stage = consumerStage()
    await stage.log.append(
      'things',
      ['x', 'y', 'killer', 'z', 'x'].map((key, index) => published(key, index === 4 ? 2 : 1)),
    )
    let done = false
    for (let crashes = 0; !done && crashes < 20; crashes++) {
      const consumer = await stage.start({ attemptsMax: 3, concurrencyMax: 4, handler: stage.idempotent })
      const killer = { dead: false }
      stage.behave = ({ key }) => {
        if (key !== 'killer') return new Promise((resolve) => setImmediate(resolve))
        killer.dead = true
        stage.crash()
        throw new Error('nobody hears this')
      }
      for (let turn = 0; turn < 20 && !killer.dead; turn++) await stage.clock.advance(0)
      if (killer.dead) continue
      done = true
      await stage.clock.advance(100)
      await consumer.stop()
    }
    assert.ok(done)
    const letters = await stage.store.deadLetters('history', { max: 10 })
    assert.deepEqual(
      letters.map(({ event: { key }, attempts }) => [key, attempts]),
      [['killer', 3]],
    )
    assert.deepEqual([...stage.ids()].toSorted(), ['x-1', 'x-2', 'y-1', 'z-1'])
  })

  test('whatever fails, in any interleaving and over restarts, every effect happens once and each key keeps its order', async () => {
    const record = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      failures: fc.integer({ min: 0, max: 2 }),
      pauses: fc.integer({ min: 0, max: 3 }),
    })
    const limits = fc.record({
      partitions: fc.integer({ min: 1, max: 3 }),
      concurrencyMax: fc.integer({ min: 1, max: 4 }),
      batchSizeMax: fc.integer({ min: 1, max: 5 }),
    })
    const ends = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 2_500 }), how: fc.constantFrom('stop', 'crash') }), {
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 30 }),
        limits,
        ends,
        async (records, { partitions, ...options }, restarts) => {
          const stage = consumerStage({ partitions })
          const plan = new Map<string, { failures: number; pauses: number }>()
          const last = new Map<string, number>()
          for (const { key, failures, pauses } of records) {
            const n = (last.get(key) ?? 0) + 1
            last.set(key, n)
            plan.set(`${key}-${n}`, { failures, pauses })
            await stage.log.append('things', [published(key, n)])
            // The broker hands it out twice.
            if (pauses === 3) await stage.log.append('things', [published(key, n)])
          }
          stage.behave = async ({ id }) => {
            const { failures, pauses } = plan.get(id)!
            for (let pause = 0; pause < pauses; pause++) await Promise.resolve()
            if (failures > 0) {
              plan.set(id, { failures: failures - 1, pauses })
              throw new Error('not now')
            }
          }
          let consumer = await stage.start({ ...options, handler: stage.idempotent })
          for (const { afterMs, how } of restarts) {
            await stage.clock.advance(afterMs)
            if (how === 'stop') await consumer.stop()
            else stage.crash()
            consumer = await stage.start({ ...options, handler: stage.idempotent })
          }
          const lag = async () => (await stage.log.topics())[0]!.groups[0]!.lag
          for (let turn = 0; turn < 100 && (await lag()) > 0; turn++) await stage.clock.advance(1_000)
          assert.deepEqual(new Set(stage.ids()), new Set(plan.keys()))
          assert.equal(stage.handled.length, plan.size)
          for (const list of Object.values(sequences(stage.handled))) {
            assert.deepEqual(
              list,
              list.map((_, index) => index + 1),
            )
          }
          await consumer.stop()
          assert.equal(await lag(), 0)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a replay under a higher generation handles all again, with the old dead letters in their place', async () => {
    const stage = consumerStage()
    stage.behave = ({ id }) => {
      if (id === 'a-2') throw new Error('no good')
    }
    await stage.log.append('things', [published('a', 1), published('a', 2), published('a', 3)])
    const first = await stage.start({ attemptsMax: 1 })
    await stage.clock.advance(0)
    await first.stop()
    assert.deepEqual(stage.ids(), ['a-1'])
    await replay({ log: stage.log, group: 'history', topics: ['things'], to: { kind: 'earliest' } })
    stage.behave = () => undefined
    const second = await stage.start({ generation: 2 })
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'a-1', 'a-2', 'a-3'])
    assert.equal((await stage.store.deadLetters('history', { max: 10 })).length, 2)
    assert.equal((await stage.store.deadLetters('history#2', { max: 10 })).length, 0)
    await second.stop()
  })
})
