import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '@seaworthy/testing'
import type { LockSession } from '../src/locks/lock-graph.ts'
import type { LockLook } from '../src/locks/lock-probe.ts'
import { LockWatch } from '../src/locks/lock-watch.ts'

const session = (pid: number, fields: Partial<LockSession> = {}): LockSession => ({
  pid,
  blockers: [],
  waitedMs: undefined,
  waitingSince: undefined,
  application: undefined,
  state: undefined,
  statement: undefined,
  idleMs: undefined,
  transactionMs: undefined,
  ...fields,
})

/** A server whose locks the test says, and which answers at once. */
function watched(t: TestContext, options: { readonly looksPerSecondMax?: number } = {}) {
  const clock = new VirtualClock()
  let stalledMs = 0
  const monotonicMs = () => clock.monotonicMs() + stalledMs
  const looks: { readonly atMs: number; readonly pids: readonly number[] }[] = []
  /** Who has what pid 1 waits for, since when; or that it waits for nobody. */
  let holder: { readonly pid: number; readonly sinceMs: number; readonly id: string } | undefined
  let isDown = false
  const watch = new LockWatch({
    clock: { now: () => clock.now(), monotonicMs, timer: (delayMs, fire, more) => clock.timer(delayMs, fire, more) },
    afterMs: 40,
    looksPerSecondMax: options.looksPerSecondMax ?? 1_000,
    probe: {
      async look(pids): Promise<LockLook> {
        looks.push({ atMs: monotonicMs(), pids })
        if (isDown) throw new Error('down')
        const atMs = monotonicMs()
        if (holder === undefined) return { graph: new Map(), atMs }
        const { pid, sinceMs, id } = holder
        return {
          graph: new Map([
            [1, session(1, { blockers: [pid], waitedMs: atMs - sinceMs, waitingSince: id })],
            [pid, session(pid, { application: `holder ${pid}` })],
          ]),
          atMs,
        }
      },
      close: () => Promise.resolve(),
    },
  })
  t.after(() => watch.close())
  return {
    clock,
    looks,
    time: (pid: number) => watch.time(pid, () => undefined),
    waitsFor: (pid: number, sinceMs: number) => (holder = { pid, sinceMs, id: `since ${sinceMs}` }),
    waitsForNobody: () => (holder = undefined),
    goesDown: () => (isDown = true),
    stalls: (ms: number) => (stalledMs += ms),
    /** In small steps: a look ends between two timers. */
    pass: async (ms: number) => {
      for (let step = 0; step < ms; step++) {
        await clock.advance(1)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

test('statements that are answered soon are never looked at, however many there are', async (t) => {
  const { time, pass, looks, clock } = watched(t)
  const times = time(1)
  for (let statement = 0; statement < 20; statement++) {
    times.sent()
    await pass(30)
    times.answered('SELECT 1')
  }
  assert.deepEqual(looks, [])
  await pass(50)
  assert.equal(clock.pending.length, 0)
  assert.equal(times.executeMs, 600)
  assert.equal(times.lockWaitMs, 0)
})

test('one that is late is looked at once for all that are, and at growing intervals while it waits for nobody', async (t) => {
  const { time, pass, looks } = watched(t)
  const both = [time(1), time(2)]
  for (const times of both) times.sent()
  await pass(400)
  assert.deepEqual(looks[0]!.pids, [1, 2])
  const gaps = looks.map(({ atMs }, index) => atMs - (looks[index - 1]?.atMs ?? 0))
  assert.ok(gaps[0]! >= 40 && gaps[0]! <= 42)
  assert.deepEqual(
    gaps.toSorted((one, other) => one - other),
    gaps,
  )
  for (const times of both) times.answered('SELECT pg_sleep(0.4)')
  await pass(2_000)
  assert.equal(looks.length, gaps.length)
  assert.equal(both[0]!.lockWaitMs, 0)
  assert.equal(both[0]!.executeMs, 400)
})

test('of a statement that waits and then works, the wait is known to half of the interval between two looks', async (t) => {
  const { time, pass, waitsFor, waitsForNobody } = watched(t)
  const times = time(1)
  times.sent()
  waitsFor(7, 5)
  await pass(500)
  waitsForNobody()
  await pass(500)
  times.answered('UPDATE')
  assert.ok(Math.abs(times.lockWaitMs! - 495) <= 30, `${times.lockWaitMs}`)
  assert.ok(Math.abs(times.executeMs - 505) <= 30)
  assert.equal(times.blocker?.path.pid, 7)
})

test('one that waits to its end waits from when the server says to when the answer comes', async (t) => {
  const { time, pass, waitsFor } = watched(t)
  const times = time(1)
  times.sent()
  waitsFor(7, 5)
  await pass(300)
  times.answered('UPDATE')
  assert.equal(times.lockWaitMs, 295)
  assert.equal(times.executeMs, 5)
})

test('of several that held it up one after the other, the one is named that did so longest', async (t) => {
  const { time, pass, waitsFor } = watched(t)
  const times = time(1)
  times.sent()
  waitsFor(7, 0)
  await pass(150)
  waitsFor(8, 150)
  await pass(600)
  waitsFor(9, 750)
  await pass(100)
  times.answered('UPDATE')
  assert.equal(times.blocker?.path.pid, 8)
  assert.equal(times.lockWaitMs, 850)
})

test('what a look finds is not put down to the next statement', async (t) => {
  const { time, pass, waitsFor, waitsForNobody, looks } = watched(t)
  const times = time(1)
  times.sent()
  times.sent()
  await pass(39)
  times.answered('first')
  waitsFor(7, 39)
  await pass(39)
  assert.deepEqual(looks, [])
  waitsForNobody()
  times.answered('second')
  assert.equal(times.lockWaitMs, 0)
  assert.equal(times.longest?.ms, 39)
})

test('a machine that stood still gives statements as long again, and no more than four times in all', async (t) => {
  const { time, pass, looks, stalls } = watched(t)
  const times = time(1)
  times.sent()
  await pass(39)
  stalls(60)
  await pass(2)
  assert.deepEqual(looks, [])
  times.answered('SELECT 1')
  times.sent()
  for (let round = 0; round < 10 && looks.length === 0; round++) {
    await pass(30)
    stalls(20)
  }
  assert.equal(looks.length, 1)
})

test('the looks of a second are bounded', async (t) => {
  const { time, pass, looks } = watched(t, { looksPerSecondMax: 5 })
  for (let statement = 0; statement < 100; statement++) {
    const times = time(statement)
    times.sent()
    await pass(10)
  }
  assert.ok(looks.length >= 4 && looks.length <= 6, `${looks.length}`)
})

test('a server that refuses is asked ever more seldom, and the wait is not known', async (t) => {
  const { time, pass, looks, goesDown } = watched(t)
  goesDown()
  const times = time(1)
  times.sent()
  await pass(3_000)
  assert.ok(looks.length <= 4, `${looks.length}`)
  times.answered('UPDATE')
  assert.equal(times.lockWaitMs, undefined)
})
