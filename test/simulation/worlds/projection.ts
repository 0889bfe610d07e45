import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { type Random, type Transaction, contextOrRoot, propagated, sleep } from 'seaworthy/core'
import {
  type HistoryEntry,
  type NodePorts,
  type WorldView,
  client,
  conserved,
  invariant,
  monotoneProjection,
  node,
  violated,
} from '@seaworthy/simulation'
import type { EventStore } from 'seaworthy/event-sourcing'
import { type ProjectionLag, type ProjectionStatus, type ProjectionStore, projection, startProjection } from 'seaworthy/projections'
import { type SqliteDatabase, eventStoreSchema, projectionStoreSchema, sqliteEventStore, sqliteProjectionStore } from 'seaworthy/sqlite'
import { type SimulatedWorld, tables } from './simulated-world.ts'

/** An amount that is booked, or with `cents: 0` a remark, which no balance hears of. */
interface Entry {
  readonly id: string
  readonly account: string
  readonly cents: number
}

const ACCOUNTS = ['ada', 'grace']
const ENTRIES_EACH = 4
/** It cannot be applied until the code is mended. */
const POISON: Entry = { id: 'poison', account: 'hal', cents: 666 }
const BEFORE_POISON: Entry = { id: 'before poison', account: 'hal', cents: 5 }
const LAST: Entry = { id: 'last', account: 'hal', cents: 1 }
const BATCH_SIZE_MAX = 3
// Longer than a history: nothing in this world may wait for it.
const POLL_MS = 3_600_000
const BACKOFF_MIN_MS = 25
const PROMPT_MS = 400
const STILL_MS = 50

// What is written down.
const CAUGHT_UP = 'the read model has caught up'
const STOPPED = 'the projection stopped'
const STARTS = 'a projection starts'
const APPLIES = 'an entry is applied'
const FAILS = 'an entry cannot be applied'
const READ = 'events were read'
const DRAWN = 'the jitter of a wait was drawn'
const WRONG = 'wrong'

type Bank = {
  status: { readonly status: ProjectionStatus; readonly lag: ProjectionLag }
}

/** A read model that meets an event it cannot apply, is emptied and built again, and whose projection is stopped and started. */
export function projectionWorld(): SimulatedWorld {
  return {
    name: 'projection',
    chapter: 'projections',
    system: {
      nodes: [node('bank', startBank)],
      clients: [
        ...ACCOUNTS.map((account) =>
          client(account, async ({ call, sleep: wait }) => {
            for (let number = 1; number <= ENTRIES_EACH; number++) {
              await call('bank', 'post', [{ id: `${account}-${number}`, account, cents: number % 2 === 0 ? 0 : number * 10 }])
              await wait(15)
            }
          }),
        ),
        client('operator', async ({ call, sleep: wait, note }) => {
          const until = async (what: string, holds: (bank: Bank['status']) => boolean) => {
            for (;;) {
              const bank = await call<Bank['status']>('bank', 'status', {})
              if (holds(bank)) {
                note(what, bank)
                return
              }
              await wait(20)
            }
          }
          await call('bank', 'post', [BEFORE_POISON, POISON])
          await until('it fails again and again', ({ status }) => status.kind === 'failing' && status.attempts >= 3)
          await call('bank', 'mend', {})
          await until(CAUGHT_UP, caughtUp)
          await call('bank', 'rebuild', {})
          await until(CAUGHT_UP, caughtUp)
          for (const ending of ['stop', 'signal']) await call('bank', 'restart', { ending })
          await call('bank', 'post', [LAST])
          await until(CAUGHT_UP, caughtUp)
        }),
      ],
    },
    invariants: [
      invariant('the read model has every amount once, in the order of its account', (view) => {
        const booked = view.query<{ account: string; cents: number; last: number }>(
          'bank',
          `SELECT stream AS account, sum(json_extract(data, '$.cents')) AS cents, max(version) AS last
            FROM seaworthy_events WHERE type = 'booked' GROUP BY stream`,
        )
        for (const { account, cents } of booked) {
          const lines = view.query<{ version: number; cents: number }>(
            'views',
            'SELECT version, cents FROM lines WHERE account = ? ORDER BY n',
            [account],
          )
          monotoneProjection({ projection: 'balances', readings: lines.map(({ version }) => ({ key: account, version })) })
          conserved(`Cents of ${account}`, { total: cents, places: { lines: lines.reduce((sum, line) => sum + line.cents, 0) } })
        }
        assert.equal(booked.length, ACCOUNTS.length + 1)
      }),
      invariant('the status says what is the case', (view) => {
        const wrong = notesOf(view).find(({ text }) => text.startsWith(WRONG))
        if (wrong !== undefined) violated(`${wrong.text}: ${JSON.stringify(wrong.data)}`)
      }),
      invariant('nothing is applied while the projection is stopped', (view) => {
        let stopped = false
        for (const entry of view.history) {
          if (entry.kind === 'start' || (entry.kind === 'note' && entry.text === STARTS)) stopped = false
          if (entry.kind !== 'note') continue
          if (entry.text === STOPPED) stopped = true
          if (entry.text === APPLIES && stopped) violated(`Entry ${String(entry.data)} was applied by a projection that had stopped.`)
        }
      }),
      invariant('an event that cannot be applied is tried again after a wait, alone, and then reading goes on as before', (view) => {
        let drawn = 0
        let failures = 0
        let waits = 0
        let failedAtMs = 0
        let lastRead: unknown
        const assertWhole = () => {
          if (lastRead !== BATCH_SIZE_MAX) violated(`It reads ${String(lastRead)} events at a time in the end, and not ${BATCH_SIZE_MAX}.`)
        }
        for (const { text, data, atMs } of notesOf(view)) {
          if (text === STARTS) failures = 0
          if (text === DRAWN) drawn++
          if (text === READ) lastRead = data
          if (text === STOPPED) assertWhole()
          if (text !== FAILS) continue
          // After the first it is met alone, and at once.
          if (++failures > 2 && atMs - failedAtMs < BACKOFF_MIN_MS) violated(`It was tried again after ${atMs - failedAtMs} ms.`)
          if (failures > 1) waits++
          failedAtMs = atMs
        }
        if (waits > 0 && drawn === 0) violated('The waits were not drawn from the randomness that was given.')
        assertWhole()
      }),
      invariant('while nothing goes wrong nobody waits for a poll', (view) => {
        if (view.history.some(({ fault }) => fault !== undefined)) return
        let sinceMs: number | undefined
        for (const { atMs, ...entry } of view.history) {
          if (entry.kind === 'acknowledged' && ['mend', 'rebuild', 'post'].includes(entry.method)) sinceMs = atMs
          if (entry.kind !== 'note' || entry.text !== CAUGHT_UP || sinceMs === undefined) continue
          if (atMs - sinceMs > PROMPT_MS) violated(`The read model caught up after ${Math.round(atMs - sinceMs)} ms.`)
        }
      }),
    ],
  }
}

const caughtUp = ({ status, lag }: Bank['status']) =>
  status.kind === 'running' && lag.positions === 0 && lag.checkpoint === lag.head && lag.head > 0

async function startBank(ports: NodePorts) {
  const { note, clock } = ports
  const events = await ports.database({ schema: [eventStoreSchema] })
  const views = await ports.database({
    name: 'views',
    schema: [
      tables(
        'lines',
        `CREATE TABLE lines (n INTEGER PRIMARY KEY, account TEXT NOT NULL, version INTEGER NOT NULL, cents INTEGER NOT NULL) STRICT;
        CREATE TABLE mended (id INTEGER PRIMARY KEY CHECK (id = 1)) STRICT`,
      ),
      projectionStoreSchema,
    ],
  })
  const source = new WatchedSource(sqliteEventStore(events), note)
  const store = overtaken(sqliteProjectionStore(views))
  const balances = projection<{ booked: Entry }>({
    name: 'balances',
    version: 1,
    on: {
      async booked(tx, { data, sequence }) {
        note(APPLIES, data.id)
        await assertApplicable(tx, data, note)
        await sleep(clock, 1)
        await tx.execute({
          sql: 'INSERT INTO lines (account, version, cents) VALUES (?, ?, ?)',
          params: [data.account, sequence, data.cents],
        })
      },
    },
    async reset(tx) {
      await sleep(clock, 1)
      await tx.execute({ sql: 'DELETE FROM lines' })
    },
  })
  const random: Random = {
    ...ports.random,
    float() {
      note(DRAWN)
      return ports.random.float()
    },
  }
  const begin = (signal: AbortSignal) => {
    note(STARTS)
    return startProjection({
      projection: balances,
      source,
      database: views,
      store,
      signal,
      batchSizeMax: BATCH_SIZE_MAX,
      pollMs: POLL_MS,
      clock,
      random,
    })
  }
  let ending = new AbortController()
  let running = begin(ending.signal)

  const restart = async (by: string) => {
    if (by === 'signal') ending.abort()
    await running.stop()
    note(STOPPED)
    const { status } = running
    if (status.kind !== 'stopped') note(`${WRONG}: it has stopped`, status)
    const listeners = source.listeners + getEventListeners(ending.signal, 'abort').length
    if (source.listeners > 0) note(`${WRONG}: it has stopped, and listens`, listeners)
    // What is added meanwhile is found at the start.
    await sleep(clock, STILL_MS)
    ending = new AbortController()
    running = begin(ending.signal)
  }
  let restarting = Promise.resolve()
  return {
    post: (entries: readonly Entry[]) => post(events, source, entries),
    mend: async () => {
      await views.atomically([{ sql: 'INSERT OR IGNORE INTO mended (id) VALUES (1)' }])
    },
    async rebuild() {
      // As a mistake in a handler would.
      await views.atomically([{ sql: 'UPDATE lines SET cents = 0' }])
      await running.rebuild()
    },
    restart: ({ ending: by }: { ending: string }) => (restarting = restarting.then(() => restart(by))),
    status: async (): Promise<Bank['status']> => {
      const { status } = running
      assertTrue(status, note)
      const lag = await running.lag()
      return { status: status.kind === 'failing' ? { ...status, error: String(status.error) } : status, lag }
    },
  }
}

async function post(database: SqliteDatabase, store: EventStore, entries: readonly Entry[]): Promise<void> {
  const context = propagated(contextOrRoot())
  const events = entries.map((data) => ({ id: data.id, type: data.cents === 0 ? 'remarked' : 'booked', schemaVersion: 1, data, context }))
  await database.transaction((tx) => store.append(tx, entries[0]!.account, events, 'any'))
}

async function assertApplicable(tx: Transaction, { id }: Entry, note: NodePorts['note']): Promise<void> {
  if (id !== POISON.id) return
  const mended = await tx.query({ sql: 'SELECT 1 FROM mended' })
  if (mended.length > 0) return
  note(FAILS, id)
  throw new TypeError('The amount makes no sense.')
}

/** What fails here is the one event, unless a database was at fault. */
function assertTrue(status: ProjectionStatus, note: NodePorts['note']): void {
  if (status.kind !== 'failing') return
  const { event, error } = status
  const isPoison = error instanceof TypeError
  const isInternal = error instanceof Error && error.message.includes('could not be applied')
  if (isInternal || isPoison !== (event?.type === 'booked')) note(`${WRONG}: it fails`, { event, error: String(error) })
}

/** The event store, which writes down how many events it was asked for, and knows how many listen to it. */
class WatchedSource implements EventStore {
  readonly #store: EventStore
  readonly #note: NodePorts['note']
  listeners = 0

  constructor(store: EventStore, note: NodePorts['note']) {
    this.#store = store
    this.#note = note
  }

  append: EventStore['append'] = (tx, stream, events, expected) => this.#store.append(tx, stream, events, expected)
  read: EventStore['read'] = (stream, options) => this.#store.read(stream, options)
  readBackwards: EventStore['readBackwards'] = (stream, options) => this.#store.readBackwards(stream, options)
  archive: EventStore['archive'] = (tx, stream) => this.#store.archive(tx, stream)
  restore: EventStore['restore'] = (tx, stream) => this.#store.restore(tx, stream)
  archivedAtMs: EventStore['archivedAtMs'] = (stream, tx) => this.#store.archivedAtMs(stream, tx)
  find: EventStore['find'] = (stream, eventId, tx) => this.#store.find(stream, eventId, tx)
  head: EventStore['head'] = () => this.#store.head()
  loadSnapshot: EventStore['loadSnapshot'] = (stream, tx) => this.#store.loadSnapshot(stream, tx)
  saveSnapshot: EventStore['saveSnapshot'] = (tx, snapshot) => this.#store.saveSnapshot(tx, snapshot)

  readAll: EventStore['readAll'] = (options) => {
    this.#note(READ, options.max)
    return this.#store.readAll(options)
  }

  onAppended(listener: () => void): () => void {
    this.listeners++
    const stop = this.#store.onAppended(listener)
    return () => {
      this.listeners--
      stop()
    }
  }
}

/** Checkpoints that another runner moves between a rebuild's look and its own move, once in each life, as on a database whose transactions overlap. */
function overtaken(store: ProjectionStore): ProjectionStore {
  let looked = false
  return {
    async checkpoint(name, version, tx) {
      const checkpoint = await store.checkpoint(name, version, tx)
      if (tx === undefined || looked) return checkpoint
      looked = true
      return checkpoint - 1
    },
    advance: (tx, name, version, move) => store.advance(tx, name, version, move),
    versions: (name, tx) => store.versions(name, tx),
    makeLive: (tx, name, move) => store.makeLive(tx, name, move),
    forget: (tx, name, version) => store.forget(tx, name, version),
  }
}

type Note = Extract<HistoryEntry, { kind: 'note' }>
const notesOf = (view: WorldView) => view.history.filter((entry): entry is Note => entry.kind === 'note')
