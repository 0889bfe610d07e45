import { type CallContext, type Clock, SeaworthyError, rootContext, sleep, withBudget } from 'seaworthy/core'
import {
  type ClientPorts,
  type HistoryEntry,
  type NodePorts,
  type WorldView,
  client,
  invariant,
  node,
  violated,
} from '@seaworthy/simulation'
import { outbox, startRelay } from 'seaworthy/outbox'
import { type SqliteDatabase, outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import {
  type CutOver,
  type Moved,
  type Route,
  type Side,
  type SideName,
  cutOverSchema,
  defineMapping,
  ownedWrites,
  sqliteSide,
  startCutOver,
  throughOldSide,
} from '@seaworthy/strangler/cut-over'
import { type SimulatedWorld, tables } from './simulated-world.ts'
import { type Note, TOPIC, noticing, toldInvariants, written } from './told-notes.ts'

/** The parts that a team can get wrong. */
export interface CutOverParts {
  /** A side as its owner serves it, with a handle on its database. */
  readonly served?: (side: Side, name: SideName) => Side
  /** A side as the cut-over sees it. */
  readonly seen?: (side: Side, name: SideName) => Side
  /** The database that a side writes the feed by. */
  readonly feeding?: (database: SqliteDatabase, name: SideName) => SqliteDatabase
  /** Whether whoever owns the notes tells of each write by an event. */
  readonly isTold?: boolean
  /** Whether the new service asks, in each transaction, whether it owns the data. */
  readonly asksForOwnership?: boolean
}

const untold = defineMapping({
  name: 'notes',
  old: { notes: { key: 'id', primaryKey: ['id'], columns: ['id', 'value'] } },
  new: { note: { key: 'note_id', primaryKey: ['note_id'], columns: ['note_id', 'number'] } },
  toNew: ({ notes }) => ({ note: notes.map(({ id, value }) => ({ note_id: id, number: value })) }),
  toOld: ({ note }) => ({ notes: note.map(({ note_id, number }) => ({ id: note_id, value: number })) }),
})

const told = defineMapping({ ...untold, topic: TOPIC })
const mappingOf = ({ isTold = false }: CutOverParts) => (isTold ? told : untold)

const NODES: Readonly<Record<SideName, string>> = { old: 'monolith', new: 'notes' }
const TABLES: Readonly<Record<SideName, string>> = {
  old: 'CREATE TABLE notes (id TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT',
  new: 'CREATE TABLE note (note_id TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT; CREATE TABLE ended (who TEXT PRIMARY KEY) STRICT',
}
// A request that comes late, or twice, never takes back a later one.
const WRITES: Readonly<Record<SideName, string>> = {
  old: 'INSERT INTO notes (id, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2 WHERE value < ?2',
  new: 'INSERT INTO note (note_id, number) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET number = ?2 WHERE number < ?2',
}
const READS: Readonly<Record<SideName, string>> = {
  old: 'SELECT value FROM notes WHERE id = ?1',
  new: 'SELECT number AS value FROM note WHERE note_id = ?1',
}
const SCRIBBLES = 3
/** How long the cut-over waits for an answer of a side. */
const PATIENCE_MS = 3_000
const STALE = 'a read was older than what its reader had written'

/** Notes move from the monolith to a service of their own, back, and over again, while two people write. */
export function cutOverWorld(parts: CutOverParts = {}): SimulatedWorld {
  return {
    name: parts.isTold === true ? 'cut-over-told' : 'cut-over',
    chapter: 'strangler',
    faults: ['crash', 'lose-reply', 'delay'],
    share: parts.isTold === true ? 0.05 : 0.15,
    system: {
      nodes: [
        node('monolith', (ports) => startSide(ports, 'old', parts)),
        node('notes', (ports) => startSide(ports, 'new', parts)),
        node('mover', (ports) => startMover(ports, parts)),
      ],
      clients: [client('operator', operate), client('ben', scribble)],
    },
    invariants: [
      invariant('what was acknowledged is there', (view) => {
        const last = new Map<string, number>()
        for (const { method, request } of view.acknowledged) {
          if (method !== 'write') continue
          const { id, value } = request as Note
          last.set(id, Math.max(value, last.get(id) ?? 0))
        }
        const present = new Map(newRows(view).map(({ id, value }) => [id, value]))
        for (const [id, value] of last) {
          if (present.get(id) !== value) violated(`${id} is ${present.get(id) ?? 'not there'}, and ${value} was acknowledged.`)
        }
      }),
      invariant('both sides have the same in the end', (view) => {
        const old = view.query<Note>('monolith', 'SELECT id, value FROM notes ORDER BY id')
        const [one, other] = [JSON.stringify(old), JSON.stringify(newRows(view))]
        if (one !== other) violated(`The monolith has ${one}, the new side ${other}.`)
      }),
      invariant('nobody reads what is older than what he has written', (view) => {
        const stale = notesOf(view).find(({ text }) => text === STALE)
        if (stale !== undefined) violated(`${STALE}: ${JSON.stringify(stale.data)}`)
      }),
      invariant('what the feed writes is not fed back', (view) => {
        for (const [side, name] of Object.entries(NODES)) {
          const changes = view.query<{ n: number }>(name, 'SELECT count(*) AS n FROM seaworthy_cut_over_changes WHERE epoch IS NOT NULL')
          if (changes[0]!.n > 0) violated(`The ${side} side took ${changes[0]!.n} writes that were not its own.`)
        }
      }),
      ...(parts.isTold === true ? toldInvariants : []),
    ],
  }
}

const newRows = (view: WorldView) => view.query<Note>('notes', 'SELECT note_id AS id, number AS value FROM note ORDER BY note_id')
type NoteEntry = Extract<HistoryEntry, { kind: 'note' }>
const notesOf = (view: WorldView) => view.history.filter((entry): entry is NoteEntry => entry.kind === 'note')

async function startSide(ports: NodePorts, name: SideName, parts: CutOverParts) {
  const { served, feeding, isTold = false, asksForOwnership = true } = parts
  const mapping = mappingOf(parts)
  const database = await ports.database({ schema: [cutOverSchema, outboxStoreSchema, tables(name, TABLES[name])] })
  const valueOf = async (id: string) => (await database.query<{ value: number }>({ sql: READS[name], params: [id] }))[0]?.value ?? 0
  const log = noticing(ports, valueOf)
  const refusing = name === 'old' || asksForOwnership
  const own = await sqliteSide({
    mapping,
    side: name,
    database: feeding?.(database, name) ?? database,
    strayWrites: refusing ? 'refuse' : 'alarm',
    ...(name === 'old' && { log }),
  })
  const side = served?.(own, name) ?? own
  const owned = ownedWrites('notes', database)
  const store = sqliteOutboxStore(database, { clock: ports.clock })
  const events = outbox({ store })
  if (isTold) {
    const through = () => throughOldSide({ old: servedBy(ports, 'old'), new: own, clock: ports.clock, pollMs: 150, waitMs: 1_000 })
    startRelay({ store, log: name === 'old' ? log : through(), clock: ports.clock, random: ports.random })
  }
  return {
    /** @returns a position of the side's own changes that has the write */
    async write({ id, value }: Note): Promise<number> {
      await database.transaction(async (tx) => {
        // The monolith knows nothing of all this: a trigger stands before its tables.
        if (name === 'new' && asksForOwnership) await owned.assertOwned(tx, id)
        const { rowCount } = await tx.execute({ sql: WRITES[name], params: [id, value] })
        if (isTold && rowCount > 0) await events.add(tx, written({ id, value }, { clock: ports.clock, newId: ports.newId }))
      })
      return (await own.head({})).position
    },
    read: ({ id }: { id: string }) => valueOf(id),
    end: ({ who }: { who: string }) => database.atomically([{ sql: 'INSERT OR IGNORE INTO ended (who) VALUES (?)', params: [who] }]),
    ended: async () => (await database.query<{ who: string }>({ sql: 'SELECT who FROM ended' })).map(({ who }) => who),
    state: () => side.state({}),
    take: (request: Parameters<Side['take']>[0]) => side.take(request),
    head: () => side.head({}),
    changes: (request: Parameters<Side['changes']>[0]) => side.changes(request),
    // By the clock of SQLite, which is not that of the simulation.
    lag: async (request: Parameters<Side['lag']>[0]) => ({ ...(await side.lag(request)), ageMs: 0 }),
    trim: (request: Parameters<Side['trim']>[0]) => side.trim(request),
    strays: (request: Parameters<Side['strays']>[0]) => side.strays(request),
    scan: (request: Parameters<Side['scan']>[0]) => side.scan(request),
    feed: (request: Parameters<Side['read']>[0]) => side.read(request),
    apply: (request: Parameters<Side['apply']>[0]) => side.apply(request),
    setAside: (request: Parameters<Side['setAside']>[0]) => side.setAside(request),
    verified: (request: Parameters<Side['verified']>[0]) => side.verified(request),
    unsent: () => side.unsent({}),
    publish: (request: Parameters<Side['publish']>[0]) => side.publish(request),
  }
}

interface Served extends Omit<Side, 'read'> {
  feed: Side['read']
  ended(request: object): Promise<readonly string[]>
  end(request: { who: string }): Promise<unknown>
}

/** A side as another process asks it. */
function servedBy({ transport, clock }: NodePorts, name: SideName): Side {
  return new Proxy(transport.client<Served>(NODES[name]), {
    get: (target, method) => {
      // A method called read is what the users ask.
      const ask = Reflect.get(target, method === 'read' ? 'feed' : method) as (request: object, call: CallContext) => Promise<unknown>
      return (request: object) => ask(request, withBudget(rootContext(), PATIENCE_MS, clock))
    },
  }) as unknown as Side
}

async function startMover(ports: NodePorts, parts: CutOverParts) {
  const { transport, clock } = ports
  const mapping = mappingOf(parts)
  const notes = transport.client<Served>(NODES.new)
  const sideOf = (name: SideName): Side => {
    const side = servedBy(ports, name)
    return parts.seen?.(side, name) ?? side
  }
  const sides = { old: sideOf('old'), new: sideOf('new') }
  const start = () =>
    startCutOver({ mapping, ...sides, clock, limits: { pollMs: 500, copyKeysPerSecondMax: 1e6, switchMaxMs: 2_000, trimEveryMs: 700 } })
  let cutOver: CutOver | undefined
  const running = () => (cutOver ??= start())
  if (!(await eventually(clock, () => notes.ended({}))).includes('operator')) running()
  return {
    route: (question: { key: string; token?: string; wish?: SideName }): Promise<Route> => running().route(question),
    switch: (): Promise<Moved> => running().switch(),
    rollBack: (): Promise<Moved> => running().rollBack(),
    /** Ends the feed once there is nothing to feed any more, so that the system can come to rest. */
    async finish(): Promise<boolean> {
      const { phase, lag, parked } = await running().status()
      const ended = await notes.ended({})
      const { events } = await sides.new.unsent({})
      if (events > 0 || phase !== 'new' || lag.changes > 0 || parked.length > 0 || !ended.includes('ben')) return false
      await notes.end({ who: 'operator' })
      await running().stop()
      return true
    },
  }
}

async function eventually<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof SeaworthyError)) throw error
      await sleep(clock, 200)
    }
  }
}

type Using = Pick<ClientPorts, 'call' | 'note'> & { readonly wait: ClientPorts['sleep'] }

/** Writes notes wherever it is told to, while they move. */
async function scribble({ call, sleep: wait, note }: ClientPorts): Promise<void> {
  for (let value = 1; value <= SCRIBBLES; value++) {
    await writeAndLook({ call, note, wait }, { id: `ben-${value}`, value })
    await wait(400)
  }
  await call('notes', 'end', { who: 'ben' })
}

/** Moves the notes and back and over again, and writes the same two on each side. */
async function operate({ call, sleep: wait, note }: ClientPorts): Promise<void> {
  const using = { call, note, wait }
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds().catch(() => false))) await wait(300)
  }
  const once = { attemptsMax: 1, attemptTimeoutMs: 10_000 }
  const over = () => until(async () => (await call<Moved>('mover', 'switch', {}, once)).phase === 'new')
  const back = () => until(async () => (await call<Moved>('mover', 'rollBack', {}, once)).phase !== 'new')
  await writeAndLook(using, { id: 'a', value: 1 })
  // After the copy: what comes now is fed as a change.
  await wait(400)
  await writeAndLook(using, { id: 'c', value: 1 })
  await over()
  await writeAndLook(using, { id: 'a', value: 2 })
  await back()
  await writeAndLook(using, { id: 'b', value: 3 })
  await over()
  await writeAndLook(using, { id: 'b', value: 4 })
  await wait(500)
  await until(() => call<boolean>('mover', 'finish', {}, once))
}

async function writeAndLook(using: Using, request: Note): Promise<void> {
  const { id, value } = request
  const { side, position } = await writeOnce(using, request)
  const token = `${side}.${position}`
  const wish = side === 'old' ? 'new' : 'old'
  const { read } = await using.call<Route>('mover', 'route', { key: id, token, wish })
  const found = await using.call<number>(NODES[read], 'read', { id })
  if (found < value) using.note(STALE, { id, value, found, read, wish, token })
}

async function writeOnce({ call, wait }: Using, request: Note): Promise<{ readonly side: SideName; readonly position: number }> {
  for (;;) {
    const { write: side } = await call<Route>('mover', 'route', { key: request.id })
    if (side !== 'hold') {
      const position = await call<number>(NODES[side], 'write', request, { attemptsMax: 1 }).catch(() => undefined)
      if (position !== undefined) return { side, position }
    }
    await wait(60)
  }
}
