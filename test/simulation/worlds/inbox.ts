import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { RejectedError, sleep } from 'seaworthy/core'
import {
  type HistoryEntry,
  type NodePorts,
  type WorldView,
  client,
  invariant,
  node,
  noDuplicateEffects,
  noLostEvents,
  orderPerKey,
  violated,
} from '@seaworthy/simulation'
import { type EventEnvelope, startConsumer } from 'seaworthy/messaging'
import { type InboxStore, inbox } from 'seaworthy/outbox'
import { consumerStoreSchema, inboxStoreSchema, sqliteConsumerStore, sqliteInboxStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, named, numbered, tables } from './simulated-world.ts'

interface Reading {
  readonly id: string
  readonly meter: string
  /** As its publisher counts. 0: it does not count. */
  readonly number: number
}

const reading = (id: string, number: number): Reading => ({ id, meter: id.charAt(0), number })

/** From a publisher without an outbox of ours: its third reading of meter a is lost, meter b is not counted, and c2 makes no sense at first. */
const READINGS: readonly Reading[] = [
  reading('a1', 1),
  reading('c1', 1),
  reading('b1', 0),
  reading('a2', 2),
  reading('c2', 2),
  reading('b2', 0),
  reading('a4', 4),
  reading('c3', 3),
]
/** Its backup was restored, and it counts from 1 again. */
const STALE = reading('a-again', 1)
/** Long after the others: the first clean-up fails, and the next is due with the second of them. */
const LATE = [reading('d1', 1), reading('d2', 2), reading('d3', 3)]
const ALL = [...READINGS, ...LATE]
/** Readings that come after a gap, and what is missing before them: a3 is lost, c2 was set aside. */
const GAPS: Readonly<Record<string, number>> = { a4: 3, c3: 2 }

// Before the faults are over, so that they strike the clean-up too.
const WINDOW_MS = 60_000
const CLEAN_UP_EVERY_MS = 50_000
const LATER_MS = 70_000

// What is written down.
const GAP = 'a number is missing'
const GAP_TOLD = 'the channel tells of a gap'
const STALE_DROPPED = 'a stale reading was dropped'
const STALE_TOLD = 'the channel tells of a stale reading'
const ALARMS = new Set([GAP, GAP_TOLD, STALE_DROPPED, STALE_TOLD])
const CLEANED_UP = 'ids were forgotten'
const NOT_CLEANED_UP = 'ids could not be forgotten'
const LEFT_BEHIND = 'a clean-up goes on behind its message'
const FAILURE_TOLD = 'the channel tells that ids could not be forgotten'
const CHANNELS = { 'seaworthy:inbox.gap': GAP_TOLD, 'seaworthy:inbox.stale': STALE_TOLD, 'seaworthy:inbox.clean-up-failed': FAILURE_TOLD }

/** A consumer behind its inbox, and a publisher that breaks every rule about numbers. */
export function inboxWorld(): SimulatedWorld {
  return {
    name: 'inbox',
    chapter: 'outbox',
    system: {
      nodes: [
        node('meters', async ({ eventLog }) => ({ publish: (request: Reading) => eventLog.append('readings', [eventOf(request)]) })),
        node('charts', startCharts),
      ],
      clients: [
        client('office', async ({ call, sleep: wait }) => {
          for (const request of [...READINGS, STALE]) await call('meters', 'publish', request)
          while (!(await call<boolean>('charts', 'mend', {}))) await wait(200)
          await wait(LATER_MS)
          for (const request of LATE) {
            await call('meters', 'publish', request)
            await wait(request.number === 1 ? CLEAN_UP_EVERY_MS : 1_000)
          }
        }),
      ],
    },
    invariants: [
      invariant('every reading is charted once, but for the stale one', (view) => {
        const charted = pointsOf(view).map(({ id }) => id)
        const expected = ALL.map(({ id }) => id)
        noLostEvents({ published: named('The point of reading', expected), handled: named('The point of reading', charted), by: 'charts' })
        noDuplicateEffects({ effects: named('The point of reading', charted), at: 'charts' })
        if (charted.includes(STALE.id)) violated(`${STALE.id} was charted, and its number was used before.`)
      }),
      invariant('what nobody set aside is charted in its order', (view) => {
        const points = pointsOf(view).filter(({ id }) => id !== 'c2')
        orderPerKey({
          events: numbered(
            points,
            ALL.map(({ id, meter }) => ({ id, key: meter })),
          ),
          gapless: false,
          at: 'charts',
        })
      }),
      invariant('the alarms are about what is wrong, and nothing else', (view) => {
        for (const { text, data } of notesOf(view)) {
          if (!ALARMS.has(text)) continue
          const { messageId, expected } = data as { readonly messageId: string; readonly expected?: number }
          const isRight = expected === undefined ? messageId === STALE.id : GAPS[messageId] === expected
          if (!isRight) violated(`${text}: ${JSON.stringify(data)}`)
        }
      }),
      invariant('while nothing goes wrong each alarm is raised once, on both ways, and ids are forgotten once', (view) => {
        if (view.history.some(({ fault }) => fault !== undefined)) return
        const gaps = Object.keys(GAPS).length
        const expected = { [GAP]: gaps, [GAP_TOLD]: gaps, [STALE_DROPPED]: 1, [STALE_TOLD]: 1, [NOT_CLEANED_UP]: 1, [CLEANED_UP]: 1 }
        for (const [what, times] of Object.entries(expected)) {
          const noted = notesOf(view).filter(({ text }) => text === what).length
          if (noted !== times) violated(`It was noted ${noted} times, and not ${times}, that ${what}.`)
        }
        const forgotten = notesOf(view).find(({ text }) => text === CLEANED_UP)!.data
        if (forgotten !== READINGS.length) violated(`${String(forgotten)} ids were forgotten of ${READINGS.length}.`)
        const kept = view.query<{ id: string }>('charts', 'SELECT message_id AS id FROM seaworthy_inbox').map(({ id }) => id)
        const late = LATE.map(({ id }) => id).join(', ')
        if (kept.join(', ') !== late) violated(`The inbox knows ${kept.join(', ')}; it should be ${late}.`)
        if (notesOf(view).some(({ text }) => text === LEFT_BEHIND)) violated('A message was handled before its clean-up was over.')
      }),
      invariant('whoever listens hears that ids could not be forgotten', (view) => {
        const times = (what: string) => notesOf(view).filter(({ text }) => text === what).length
        if (times(NOT_CLEANED_UP) !== times(FAILURE_TOLD)) violated(`It failed ${times(NOT_CLEANED_UP)} times.`)
      }),
      invariant('nothing lies aside in the end', (view) => {
        const letters = view.query('charts', 'SELECT 1 FROM seaworthy_dead_letters')
        if (letters.length > 0) violated(`${letters.length} readings lie aside.`)
      }),
    ],
  }
}

async function startCharts(ports: NodePorts) {
  const { note, clock, eventLog } = ports
  const charts = await ports.database({
    schema: [
      tables(
        'points',
        `CREATE TABLE points (n INTEGER PRIMARY KEY, id TEXT NOT NULL, meter TEXT NOT NULL) STRICT;
        CREATE TABLE mended (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT`,
      ),
      inboxStoreSchema,
      consumerStoreSchema,
    ],
  })
  listen(ports)
  const cleanUps = { underWay: 0, tried: 0 }
  const remembered = inbox({
    store: tellingOfCleanUps(sqliteInboxStore(charts), note, cleanUps),
    database: charts,
    consumer: 'charts',
    windowMs: WINDOW_MS,
    cleanUpEveryMs: CLEAN_UP_EVERY_MS,
    onGap: (gap) => note(GAP, gap),
    onStale: (message) => note(STALE_DROPPED, message),
  })
  const handler = remembered.handle(async ({ data }, tx) => {
    const { id, meter } = data as Reading
    if (id === 'c2') {
      const mended = await tx.query({ sql: 'SELECT 1 FROM mended' })
      if (mended.length === 0) throw new RejectedError('nonsense', `Reading ${id} makes no sense.`)
    }
    // A handler that takes its time, so that whoever does not wait for it is found out.
    await sleep(clock, 2)
    await tx.execute({ sql: 'INSERT INTO points (id, meter) VALUES (?, ?)', params: [id, meter] })
  })
  const store = sqliteConsumerStore(charts)
  const consumer = await startConsumer({
    log: eventLog,
    group: 'charts',
    topics: ['readings'],
    async handler(event, attempt) {
      await handler(event, attempt)
      if (cleanUps.underWay > 0) note(LEFT_BEHIND)
    },
    store,
    onPoison: 'skip',
    pollWaitMs: 60_000,
  })
  return {
    /** Makes sense of meter c from now on. @returns whether all of it is charted */
    async mend(): Promise<boolean> {
      await charts.atomically([{ sql: 'INSERT OR IGNORE INTO mended (id) VALUES (1)' }])
      await consumer.requeue({ topic: 'readings', key: 'c' })
      const [found] = await charts.query<{ points: number }>({ sql: "SELECT count(*) AS points FROM points WHERE meter = 'c'" })
      return found!.points === READINGS.filter(({ meter }) => meter === 'c').length
    },
  }
}

/** Writes down what the inbox's channels tell, as a log would. */
function listen({ note, process }: NodePorts): void {
  for (const [name, text] of Object.entries(CHANNELS)) {
    const listener = (message: unknown) => note(text, message)
    subscribe(name, listener)
    process.onDeath(() => unsubscribe(name, listener))
  }
}

function tellingOfCleanUps(store: InboxStore, note: NodePorts['note'], cleanUps: { underWay: number; tried: number }): InboxStore {
  return {
    admit: (tx, message) => store.admit(tx, message),
    async forget(olderThanMs) {
      cleanUps.underWay++
      try {
        if (cleanUps.tried++ === 0) throw new Error('The disk is full.')
        const forgotten = await store.forget(olderThanMs)
        note(CLEANED_UP, forgotten)
        return forgotten
      } catch (error) {
        note(NOT_CLEANED_UP, String(error))
        throw error
      } finally {
        cleanUps.underWay--
      }
    },
  }
}

function eventOf({ id, meter, number }: Reading): EventEnvelope {
  return {
    id,
    type: 'meter.read',
    version: 1,
    source: 'readings',
    key: meter,
    sequence: number,
    time: '2026-01-01T00:00:00Z',
    correlationId: id,
    data: { id, meter, number },
  }
}

const pointsOf = (view: WorldView) => view.query<{ id: string; key: string }>('charts', 'SELECT id, meter AS key FROM points ORDER BY n')

type Note = Extract<HistoryEntry, { kind: 'note' }>
const notesOf = (view: WorldView) => view.history.filter((entry): entry is Note => entry.kind === 'note')
