import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { Scheduler } from '../../src/kernel/scheduler.ts'

test('events happen in the order of their times, and those of one time in the order of asking', () => {
  const scheduler = new Scheduler()
  const random = seededRandom(7)
  const asked = Array.from({ length: 500 }, (_, order) => ({ order, delayMs: Math.floor(random.float() * 20) }))
  const happened: typeof asked = []
  for (const event of asked) scheduler.after(event.delayMs, () => happened.push(event))
  while (scheduler.step());
  assert.deepEqual(
    happened,
    asked.toSorted((one, other) => one.delayMs - other.delayMs || one.order - other.order),
  )
})

test('a wait computed from two readings of the clock ends when it should, not an instant before', () => {
  const scheduler = new Scheduler()
  const random = seededRandom(3)
  for (let round = 0; round < 1_000; round++) {
    const deadlineMs = scheduler.nowMs + 1_000
    scheduler.after(random.float() * 1_000, () => undefined)
    scheduler.step()
    scheduler.after(deadlineMs - scheduler.nowMs, () => undefined)
    while (scheduler.step());
    assert.ok(deadlineMs - scheduler.nowMs <= 0)
  }
})

test('what belongs to a dead process does not happen, and what belongs to one that stands still happens when it goes on', () => {
  const scheduler = new Scheduler()
  const happened: string[] = []
  const owner = { alive: true, pausedUntilMs: 0 }
  scheduler.after(10, () => happened.push(`late at ${scheduler.nowMs}`), { owner })
  scheduler.after(5, () => (owner.pausedUntilMs = 30))
  scheduler.after(20, () => happened.push('other'))
  scheduler.after(40, () => happened.push('never'), { owner })
  scheduler.after(35, () => (owner.alive = false))
  while (scheduler.step());
  assert.deepEqual(happened, ['other', 'late at 30'])
})

test('the system is at rest once all that waits began to wait after the last thing that happened', () => {
  const scheduler = new Scheduler()
  const poll = () => void scheduler.after(100, poll, { timer: true })
  poll()
  scheduler.after(250, () => undefined, { timer: true })
  assert.equal(scheduler.allWaitsBeganAfter(50, 10_000), false, 'both began before')
  scheduler.step()
  assert.equal(scheduler.allWaitsBeganAfter(50, 10_000), false, 'one still waits from before')
  for (let step = 0; step < 3; step++) scheduler.step()
  assert.equal(scheduler.allWaitsBeganAfter(50, 10_000), true, 'the poll alone is left, and it began again')
  scheduler.after(1, () => undefined)
  assert.equal(scheduler.allWaitsBeganAfter(50, 10_000), false, 'a message is on its way')
})
