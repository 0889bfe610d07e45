import assert from 'node:assert/strict'
import {
  type HistoryEntry,
  type WorldView,
  client,
  invariant,
  node,
  noDuplicateEffects,
  noLostEvents,
  violated,
} from '@seaworthy/simulation'
import type { RelayRecovered } from 'seaworthy/outbox'
import { type SimulatedWorld, named } from './simulated-world.ts'
import {
  type Ending,
  type Order,
  type Status,
  CONFIRMED,
  FAILED,
  HELD_UP,
  RECOVERED,
  STARTS,
  STOPPED,
  WRONG,
  startOrders,
} from './relay-orders.ts'

const CUSTOMERS = ['ada', 'grace', 'hal']
const ORDERS_EACH = 4
const BETWEEN_ORDERS_MS = 130
const ENDINGS: readonly Ending[] = ['stop', 'signal', 'signal, held up']
const BURST = ['one', 'two', 'three', 'four', 'five'].map((number) => ({ id: `burst-${number}` }))
const LATE = Array.from({ length: 6 }, (_, index) => ({ id: `late-${index + 1}` }))
const BETWEEN_LATE_MS = 190
const ORDERS = CUSTOMERS.length * ORDERS_EACH + BURST.length + LATE.length
/** Far less than the relay's poll, for whatever need not wait for it. */
const PROMPT_MS = 100
const REFUSING_MS = 500
/** When nobody stops the relay any more, and the log takes what comes. */
const QUIET_AFTER_MS = 1_400
const AT_REST = 'the relay is at rest'

/** Orders with a relay that is stopped and started while orders come in, whose log refuses for a while, and whose every word is written down. */
export function relayWorld(): SimulatedWorld {
  return {
    name: 'relay',
    chapter: 'outbox',
    // What goes astray on the way is a part of other worlds. This one is about what the relay says and does when it is held up or stopped.
    faults: ['crash', 'pause', 'restart-broker', 'disk-full'],
    system: {
      nodes: [node('orders', startOrders)],
      clients: [
        ...CUSTOMERS.map((customer) =>
          client(customer, async ({ call, sleep: wait }) => {
            for (let number = 1; number <= ORDERS_EACH; number++) {
              await call('orders', 'place', [{ id: `${customer}-${number}` }])
              await wait(BETWEEN_ORDERS_MS)
            }
          }),
        ),
        client('operator', async ({ call, sleep: wait, note }) => {
          for (const ending of ENDINGS) {
            await wait(20)
            await call('orders', 'restart', { ending })
          }
          await call('orders', 'refuse', { forMs: REFUSING_MS })
          for (;;) {
            const status = await call<Status>('orders', 'status', {})
            const idle = status.topics.every(({ state, failuresInARow }) => state === 'idle' && failuresInARow === 0)
            if (idle && status.stored === ORDERS && status.backlog.messages === 0 && status.lastError === undefined) {
              note(AT_REST, status)
              return
            }
            await wait(200)
          }
        }),
        client('hurried', async ({ call, sleep: wait }) => {
          await wait(QUIET_AFTER_MS)
          await call('orders', 'place', BURST)
          for (const order of LATE) {
            await wait(BETWEEN_LATE_MS)
            await call('orders', 'place', [order])
          }
        }),
      ],
    },
    invariants: [
      invariant('every order that was accepted is told of', (view) => {
        const stored = view.query<Order>('orders', 'SELECT id FROM orders').map(({ id }) => id)
        assert.equal(placed(view).length, ORDERS)
        noLostEvents({ published: named('Accepted order', placed(view)), handled: named('Accepted order', stored), by: 'orders' })
        noLostEvents({
          published: named('The event of order', stored),
          handled: named('The event of order', published(view)),
          by: 'the relay',
        })
      }),
      invariant('while nothing goes wrong no event is published twice, also where the relay was stopped in between', (view) => {
        if (!somethingWrong(view)) noDuplicateEffects({ effects: named('The event of order', published(view)), at: 'the log' })
      }),
      invariant('nothing is published while the relay is stopped', (view) => {
        let stopped = false
        for (const entry of view.history) {
          if (entry.node !== 'orders') continue
          if (entry.kind === 'start' || (entry.kind === 'note' && entry.text === STARTS)) stopped = false
          if (entry.kind === 'note' && entry.text === STOPPED) stopped = true
          if (entry.kind === 'append' && stopped)
            violated(`${entry.events.map(({ key }) => key).join(', ')} was published by a relay that had stopped.`)
        }
      }),
      invariant('while nothing goes wrong nobody waits for a poll, neither for an event nor for the end of a relay', (view) => {
        if (somethingWrong(view)) return
        const appendedAtMs = new Map(view.records('orders').map(({ event, appendedAtMs: atMs }) => [event.key, atMs]))
        for (const { client: name, request, atMs } of view.acknowledged) {
          if (name !== 'hurried') continue
          for (const { id } of request as readonly Order[]) {
            const waitedMs = appendedAtMs.get(id)! - atMs
            if (waitedMs > PROMPT_MS) violated(`The event of order ${id} waited ${Math.round(waitedMs)} ms in the outbox.`)
          }
        }
        for (const { text, data } of notesOf(view)) {
          if (text === STOPPED && (data as number) > PROMPT_MS) violated(`The relay took ${String(data)} ms to stop.`)
        }
      }),
      invariant('the status says what is the case', (view) => {
        const wrong = notesOf(view).find(({ text }) => text.startsWith(WRONG))
        if (wrong !== undefined) violated(`${wrong.text}: ${JSON.stringify(wrong.data)}`)
      }),
      invariant('while nothing goes wrong the status counts every event once', (view) => {
        if (somethingWrong(view)) return
        const { topics, sentBefore } = notesOf(view).find(({ text }) => text === AT_REST)!.data as Status
        const sent = topics.reduce((sum, topic) => sum + topic.sent, sentBefore)
        assert.equal(sent, ORDERS)
      }),
      invariant('whoever listens hears when the relay is held up, once, and when it goes on', heldUpAndRecovered),
      invariant('an event counts as published once the log has it', (view) => {
        const appended = new Set<string>()
        for (const entry of view.history) {
          if (entry.kind === 'append') for (const { id } of entry.events) appended.add(id)
          const isTold = entry.kind === 'note' && entry.text === CONFIRMED
          if (isTold && !appended.has(entry.data as string)) violated(`Event ${String(entry.data)} was said to be published before it was.`)
        }
      }),
    ],
  }
}

/** A streak of failures is told of at its first, and at its end with how many there were and how long it took; unless the relay ends before. */
function heldUpAndRecovered(view: WorldView): void {
  let failures = 0
  let told = false
  let sinceMs = 0
  const atItsEnd = () => {
    if (failures > 0 && !told) violated('The relay was held up, and nobody was told.')
    failures = 0
    told = false
  }
  for (const entry of view.history) {
    if (entry.node !== 'orders') continue
    if (entry.kind === 'crash') {
      failures = 0
      told = false
    }
    if (entry.kind !== 'note') continue
    switch (entry.text) {
      case FAILED:
        if (++failures === 1) sinceMs = entry.atMs
        else if (!told) violated('The relay was held up, and nobody was told.')
        break
      case HELD_UP:
        if (told || failures !== 1) violated(`The relay said that it is held up, after ${failures} failures.`)
        told = true
        break
      case RECOVERED: {
        const { failures: counted, heldUpMs } = entry.data as RelayRecovered
        if (counted !== failures) violated(`The relay goes on after ${failures} failures, and says ${counted}.`)
        const tookMs = entry.atMs - sinceMs
        if (Math.abs(heldUpMs - tookMs) > 2) violated(`The relay was held up for ${tookMs} ms, and says ${heldUpMs} ms.`)
        atItsEnd()
        break
      }
      case STOPPED:
        // A failure while it stops is nobody's business: what is not sent stays in the outbox.
        failures = 0
        told = false
    }
  }
  if (failures > 0) violated('The relay was held up, and never went on.')
}

type Note = Extract<HistoryEntry, { kind: 'note' }>
const notesOf = (view: WorldView) => view.history.filter((entry): entry is Note => entry.kind === 'note')
const somethingWrong = (view: WorldView) => view.history.some(({ fault }) => fault !== undefined)
const published = (view: WorldView) => view.records('orders').map(({ event }) => event.key)
const placed = (view: WorldView) =>
  view.acknowledged
    .filter(({ client: name }) => name !== 'operator')
    .flatMap(({ request }) => (request as readonly Order[]).map(({ id }) => id))
