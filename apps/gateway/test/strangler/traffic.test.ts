import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Traffic } from '../../src/strangler/traffic.ts'

const START_MS = 1_795_430_400_000
const SECOND_MS = 1_000
const total = (traffic: Traffic, upstream: string) =>
  traffic.history().slots.reduce((sum, { requests }) => sum + (requests[upstream] ?? 0), 0)

describe('the traffic of a gateway', () => {
  test('is counted by upstream and by ten seconds, the oldest first', () => {
    const traffic = new Traffic()
    traffic.record('monolith', START_MS + 25 * SECOND_MS)
    traffic.record('reviews', START_MS + 26 * SECOND_MS)
    traffic.record('monolith', START_MS + 3 * SECOND_MS)
    traffic.record('monolith', START_MS + 9 * SECOND_MS)
    assert.deepEqual(traffic.history(), {
      slotMs: 10_000,
      slots: [
        { fromMs: START_MS, requests: { monolith: 2 } },
        { fromMs: START_MS + 20_000, requests: { monolith: 1, reviews: 1 } },
      ],
    })
  })

  test('takes the same memory for a year as for an hour, and loses no request', () => {
    const traffic = new Traffic()
    const hours = 24 * 365
    for (let hour = 0; hour < hours; hour++) traffic.record('monolith', START_MS + hour * 3_600_000)
    const { slots, slotMs } = traffic.history()
    assert.ok(slots.length <= 240, `${slots.length} slots`)
    assert.ok(slots.length > 100, `${slots.length} slots`)
    assert.ok(slotMs > 86_400_000)
    assert.equal(total(traffic, 'monolith'), hours)
  })

  test('is the same after it was stored and read, and goes on', () => {
    const traffic = new Traffic()
    for (let minute = 0; minute < 600; minute++) traffic.record(minute < 300 ? 'monolith' : 'reviews', START_MS + minute * 60_000)
    const again = Traffic.from(JSON.parse(JSON.stringify(traffic.history())))
    assert.deepEqual(again.history(), traffic.history())
    again.record('reviews', START_MS + 601 * 60_000)
    assert.equal(total(again, 'reviews'), 301)
    assert.throws(() => Traffic.from({ slots: [] }), TypeError)
  })

  test('counts upstreams beyond the sixty-fourth together', () => {
    const traffic = new Traffic()
    for (let number = 0; number < 100; number++) traffic.record(`upstream-${number}`, START_MS)
    const [slot] = traffic.history().slots
    assert.equal(Object.keys(slot!.requests).length, 65)
    assert.equal(slot!.requests['others'], 36)
  })
})
