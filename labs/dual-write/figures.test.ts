import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenPromises, figuresOf } from './figures.ts'
import type { History, Way } from './history.ts'

const start = (pid: number, atMs: number, waiting: number) => ({ pid, atMs, waiting })

/** Three orders, a kill after the second; `more` is what else there was. */
function historyOf(way: Way, more: Partial<History> = {}): History {
  const events = ['1', '2', '3'].map((digit, at) => ({ eventId: `event-${digit}`, orderId: `order-${digit}`, appendedAtMs: 10 * at }))
  const consumers = ['with-inbox', 'without-inbox'] as const
  return {
    way,
    asked: events.map(({ orderId }, at) => ({ orderId, atMs: 10 * at, tookMs: 5, outcome: 'taken' })),
    orders: { starts: [start(1, -100, 0), start(2, 100, way === 'outbox' ? 1 : 0)], kills: [{ pid: 1, atMs: 12 }] },
    shipping: { starts: [], kills: [] },
    stored: events.map(({ orderId }) => orderId),
    published: [...events, events[1]!],
    delivered: consumers.flatMap((consumer) => [...events, events[1]!].map((event) => ({ ...event, consumer, atMs: 50 }))),
    parcels: [
      ...consumers.flatMap((consumer) => events.map((event) => ({ ...event, consumer }))),
      { consumer: 'without-inbox', eventId: 'event-2', orderId: 'order-2' },
    ],
    ...more,
  }
}
const lossy = () => historyOf('naive', { published: historyOf('naive').published.filter(({ orderId }) => orderId !== 'order-2') })
const judged = (naive: History, outbox: History) => brokenPromises({ naive: figuresOf(naive), outbox: figuresOf(outbox) }).join('\n')

test('a history is counted: what was lost, by how many kills, what came twice', () => {
  const naive = figuresOf(lossy())
  assert.deepEqual([naive.stored, naive.lost, naive.killsInWindow], [3, ['order-2'], 1])
  const outbox = figuresOf(historyOf('outbox'))
  assert.deepEqual([outbox.lost, outbox.killsInWindow, outbox.waiting, outbox.publishedAgain], [[], 1, 1, 1])
  assert.deepEqual(outbox.consumers['without-inbox'], { duplicatesDelivered: 1, duplicateEffects: 1, missingEffects: 0 })
  assert.deepEqual(outbox.consumers['with-inbox'], { duplicatesDelivered: 1, duplicateEffects: 0, missingEffects: 0 })
  assert.equal(judged(lossy(), historyOf('outbox')), '')
})

test('a fault that never fired fails the lab', () => {
  assert.match(judged(historyOf('naive'), historyOf('outbox')), /No kill fell between the two writes/)
  const calm = historyOf('outbox', { orders: { starts: [start(1, -100, 0), start(2, 100, 0)], kills: [{ pid: 1, atMs: 12 }] } })
  assert.match(judged(lossy(), calm), /No kill found an event in the outbox/)
  const once = (way: Way) => historyOf(way, { delivered: historyOf(way).delivered.slice(0, 3) })
  assert.match(judged({ ...once('naive'), published: lossy().published }, once('outbox')), /No event was delivered twice/)
})

test('a loss with the outbox, a second parcel behind the inbox and an event without a parcel fail the lab', () => {
  assert.match(judged(lossy(), historyOf('outbox', { published: lossy().published })), /The outbox lost 1 events: order-2/)
  const parcels = historyOf('outbox').parcels
  const second = { consumer: 'with-inbox', eventId: 'event-1', orderId: 'order-1' } as const
  assert.match(judged(lossy(), historyOf('outbox', { parcels: [...parcels, second] })), /1 orders were shipped twice behind the inbox/)
  assert.match(judged(lossy(), historyOf('outbox', { parcels: parcels.slice(1) })), /outbox: 1 events have no parcel/)
  assert.match(judged(lossy(), historyOf('outbox', { stored: ['order-1', 'order-2'] })), /not stored: order-3/)
})
