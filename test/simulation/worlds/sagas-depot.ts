import { type CallContext, ConfigurationError, NotFoundError, RejectedError, UnavailableError, constant, sleep } from 'seaworthy/core'
import type { NodePorts } from '@seaworthy/simulation'
import { type JournalEntry, type Orchestrator, type Saga, type SagaClaim, type SagaStore, orchestrator, saga } from 'seaworthy/saga'
import { type SqliteDatabase, sagaStoreSchema, sqliteSagaStore } from 'seaworthy/sqlite'
import { tables } from './simulated-world.ts'

/** A parcel, and the way that its saga goes. */
export interface Parcel {
  readonly id: string
  /** How it ends, and why. */
  readonly ends: string
  /** What is done in the end and not undone. */
  readonly deeds: readonly string[]
  /** How often a step is tried while nothing goes wrong but what must. */
  readonly tries?: Readonly<Record<string, number>>
  /** Accepted when all others are over. */
  readonly later?: true
}

const ALL_DONE = ['pack', 'send', 'tell']
const ONCE = { pack: 1, send: 1, tell: 1 }
const PATIENT_FAILURES = 2
const PATIENT_BACKOFF_MS = 300
const STUBBORN_FAILURES = 3
const SHORT_PACK_MS = 100
export const SLOW = { packMs: 1_500, stopTimeoutMs: 200 }

export const PARCELS: readonly Parcel[] = [
  // It backs off for a while, first of all: nobody may wait behind it.
  { id: 'patient', ends: 'completed', deeds: ALL_DONE, tries: { ...ONCE, pack: PATIENT_FAILURES + 1 } },
  { id: 'plain-1', ends: 'completed', deeds: ALL_DONE, tries: ONCE },
  { id: 'plain-2', ends: 'completed', deeds: ALL_DONE, tries: ONCE },
  // Its last step fails again and again.
  { id: 'stubborn', ends: 'completed', deeds: ALL_DONE, tries: { ...ONCE, tell: STUBBORN_FAILURES + 1 } },
  // Its pivot is refused, and packing, whose result is none to JSON, cannot be undone at first.
  { id: 'refused', ends: 'compensated: refused', deeds: [], tries: { pack: 1, send: 1, tell: 0, 'undo pack': 3 } },
  // The result of packing cannot be written down, and packing can never be undone.
  { id: 'hopeless', ends: 'parked: saga-step-result', deeds: ['pack'], tries: { pack: 1, send: 0, 'undo pack': 1 } },
  // The result of packing becomes another in JSON, and what must be done after the pivot is refused.
  { id: 'odd', ends: 'parked: odd', deeds: ['pack', 'send'], tries: ONCE },
  // A person turns it back while it is packed.
  { id: 'moved', ends: 'compensated: aborted', deeds: [], tries: { pack: 1, send: 0 } },
  // Of a version, and with a step, that the second release does not know.
  { id: 'future', ends: 'completed', deeds: ALL_DONE },
  { id: 'gift', ends: 'completed', deeds: ['pack', 'send'] },
  // In progress when the depot is stopped: one for too long, and one that is nearly done.
  { id: 'slow', ends: 'completed', deeds: ALL_DONE, tries: { ...ONCE, pack: 2 }, later: true },
  { id: 'short', ends: 'completed', deeds: ALL_DONE, tries: ONCE, later: true },
]

export const CONCURRENCY_MAX = 1
export const ACTIVE_MAX = 4
const RESUME_SPREAD_MS = 100
const LAST_RELEASE = 3

// What is written down.
export const STARTS = 'an orchestrator starts'
export const STOPS = 'the orchestrator is told to stop'
export const STOPPED = 'the orchestrator stopped'
export const JOURNALED = 'a line is written into the journal'
export const BEGINS = 'an attempt begins'
export const MOVED = 'a saga moved'
export const TOLD = 'it was told how a saga stands'
export const TAKEN_UP = 'a saga is taken up'
export const HEAVY = 'more at a time than before'
export const WRONG = 'wrong'

type Phase = 'pack' | 'send' | 'tell' | 'undo pack'
type StepCall = CallContext & { readonly sagaId: string; readonly attempt: number; readonly results: unknown }

const policy = { attemptTimeoutMs: 3_000, backoff: constant(4), giveUpAfterMs: 'never' } as const
export const UNDO_BACKOFF_MS = 60
const undoPolicy = { ...policy, backoff: constant(UNDO_BACKOFF_MS) }
const packPolicy = { ...policy, backoff: constant(PATIENT_BACKOFF_MS) }

/** Sends parcels by sagas; its store fails once at each thing; what it does is written down. */
export async function startDepot(ports: NodePorts) {
  const { note, clock } = ports
  const database = await ports.database({
    schema: [
      tables(
        'depot',
        `CREATE TABLE deeds (n INTEGER PRIMARY KEY, saga TEXT NOT NULL, step TEXT NOT NULL, UNIQUE (saga, step)) STRICT;
        CREATE TABLE releases (n INTEGER PRIMARY KEY) STRICT`,
      ),
      sagaStoreSchema,
    ],
  })
  const store = new FailingStore(sqliteSagaStore(database), note)
  const depot = new Depot(ports, database, store)
  const [found] = await database.query<{ release: number }>({ sql: 'SELECT ifnull(max(n), 1) AS release FROM releases' })
  await depot.begin(found!.release)

  let deploying = Promise.resolve()
  return {
    accept: ({ parcels }: { parcels: readonly Parcel[] }) =>
      database.transaction(async (tx) => {
        for (const { id } of parcels) {
          const start = () => depot.sagas.start(tx, depot.sagaOf(id), { id, input: id })
          await start()
          if (await start()) note(`${WRONG}: it was started twice`, id)
        }
      }),
    // One after another: the operator may have asked twice.
    deploy: ({ release }: { release: number }) => (deploying = deploying.catch(() => undefined).then(() => depot.deploy(release))),
    async open() {
      const sql = "SELECT count(*) AS sagas FROM seaworthy_sagas WHERE status IN ('running', 'compensating')"
      const [counted] = await database.query<{ sagas: number }>({ sql })
      return counted!.sagas
    },
    async ask({ id, what }: { id: string; what: 'decided' | 'settled' }): Promise<boolean> {
      const { sagas } = depot
      const timeoutMs = 400
      const askedMs = clock.monotonicMs()
      try {
        const record = await sagas[what](id, { timeoutMs })
        if (record !== undefined) {
          const { status } = record
          const isEnough = what === 'decided' ? status !== 'running' : status !== 'running' && status !== 'compensating'
          if (!isEnough) note(`${WRONG}: ${what} was asked`, record)
          note(TOLD, { id, status, end: what === 'settled', waitedMs: clock.monotonicMs() - askedMs })
          return true
        }
        const waitedMs = clock.monotonicMs() - askedMs
        if (sagas === depot.sagas && !depot.stopping && waitedMs < timeoutMs) note(`${WRONG}: it gave up after ${waitedMs} ms`, id)
      } catch (error) {
        // The customer asks before the office has told the depot.
        if (!(error instanceof NotFoundError)) throw error
      }
      return false
    },
    misuse: () => misuse(depot, database, ports),
  }
}

class Depot {
  readonly #ports: NodePorts
  readonly #database: SqliteDatabase
  readonly #store: FailingStore
  sagas!: Orchestrator
  stopping = false
  #release = 1
  #inProgress = 0
  #most = { steps: 0, sagas: 0 }

  constructor(ports: NodePorts, database: SqliteDatabase, store: FailingStore) {
    this.#ports = ports
    this.#database = database
    this.#store = store
  }

  async begin(release: number): Promise<void> {
    const { clock, random, note } = this.#ports
    note(STARTS, release)
    this.#release = release
    this.stopping = false
    this.sagas = orchestrator({
      sagas: release === 2 ? [this.#delivery(1), this.#gift('wrap')] : [this.#delivery(1), this.#delivery(2), this.#gift('pack')],
      store: this.#store,
      database: this.#database,
      onStatus: async (_, { id, status }) => note(MOVED, { id, status }),
      concurrencyMax: CONCURRENCY_MAX,
      sagasMax: ACTIVE_MAX,
      resumeSpreadMs: RESUME_SPREAD_MS,
      stopTimeoutMs: SLOW.stopTimeoutMs,
      clock,
      random,
    })
    // Here nobody would ask again.
    this.#store.fails = false
    const resumed = await this.#resume()
    if (resumed !== this.sagas.active) note(`${WRONG}: it says that it took up ${resumed}`, this.sagas.active)
    this.#store.fails = true
  }

  /** A process that cannot take up its sagas ends, and is started again: until it can. */
  async #resume(): Promise<number> {
    try {
      return await this.sagas.resume()
    } catch {
      await sleep(this.#ports.clock, 20)
      return this.#resume()
    }
  }

  async deploy(release: number): Promise<void> {
    const { clock, note } = this.#ports
    if (release <= this.#release) return
    const startedMs = clock.monotonicMs()
    this.stopping = true
    note(STOPS)
    await this.sagas.stop()
    note(STOPPED, { tookMs: clock.monotonicMs() - startedMs })
    if (this.sagas.active > 0) note(`${WRONG}: it has stopped, and has sagas`, this.sagas.active)
    await this.#database.atomically([{ sql: 'INSERT OR IGNORE INTO releases (n) VALUES (?)', params: [release] }])
    await sleep(clock, 20)
    await this.begin(release)
  }

  sagaOf(id: string): Saga<string> {
    if (id === 'gift') return this.#gift('pack')
    return this.#delivery(id === 'future' ? 2 : 1)
  }

  #delivery(version: number): Saga<string> {
    return saga<string>('delivery', { version })
      .step('pack', {
        run: (s) => this.#try(s, 'pack'),
        compensate: (s) => this.#try(s, 'undo pack'),
        policy: packPolicy,
        compensationPolicy: undoPolicy,
      })
      .pivot('send', { run: (s) => this.#try(s, 'send'), policy })
      .step('tell', { run: (s) => this.#try(s, 'tell'), forward: true, policy })
  }

  #gift(first: string): Saga<string> {
    return saga<string>('gift', { version: 1 })
      .step(first, { run: (s) => this.#try(s, 'pack'), compensation: 'not-needed', policy: packPolicy })
      .pivot('send', { run: (s) => this.#try(s, 'send'), policy })
  }

  async #try(s: StepCall, phase: Phase): Promise<unknown> {
    this.#ports.note(BEGINS, `${s.sagaId}/${phase} ${s.attempt}`)
    this.#inProgress++
    const now = { steps: this.#inProgress, sagas: this.sagas.active }
    if (now.steps > this.#most.steps || now.sagas > this.#most.sagas) this.#ports.note(HEAVY, (this.#most = now))
    try {
      return await this.#work(s, phase)
    } finally {
      this.#inProgress--
    }
  }

  async #work({ sagaId: id, attempt, results, signal }: StepCall, phase: Phase): Promise<unknown> {
    const { clock, note } = this.#ports
    await sleep(clock, 5, signal)
    const failure = this.#failureOf(id, phase, attempt)
    if (failure !== undefined) throw failure
    if (id === 'moved' && phase === 'pack') await this.#turnBackByHand(id)
    if (id === 'slow' && phase === 'pack') await sleep(clock, SLOW.packMs, signal)
    if (id === 'short' && phase === 'pack') await sleep(clock, SHORT_PACK_MS, signal)
    const undo = phase === 'undo pack'
    const sql = undo ? `DELETE FROM deeds WHERE saga = ? AND step = 'pack'` : 'INSERT OR IGNORE INTO deeds (saga, step) VALUES (?, ?)'
    await this.#database.atomically([{ sql, params: undo ? [id] : [id, phase] }])
    if (id === 'odd' && phase === 'send' && typeof (results as { pack: { at: unknown } }).pack.at !== 'string') {
      note(`${WRONG}: a result is not what the journal has`, results)
    }
    if (phase !== 'pack') return undefined
    // What is no JSON; what becomes something else in it; and what is nothing to it.
    return { hopeless: 1n, odd: { at: new Date(0) }, refused: () => 0 }[id]
  }

  #failureOf(id: string, phase: Phase, attempt: number): Error | undefined {
    const later = (what: string) => new UnavailableError(`${what} is not possible yet.`)
    switch (`${id} ${phase}`) {
      case 'patient pack':
        return attempt <= PATIENT_FAILURES ? later('Packing') : undefined
      case 'stubborn tell':
        return attempt <= STUBBORN_FAILURES ? later('Telling') : undefined
      case 'refused send':
        return new RejectedError('refused', 'Nobody takes it.')
      case 'refused undo pack':
        return attempt <= 2 ? later('Unpacking') : undefined
      case 'hopeless undo pack':
        return new RejectedError('lost', 'It cannot be found.')
      case 'odd tell':
        return new RejectedError('odd', 'Nobody wants to hear it.')
      case 'future pack':
      case 'gift pack':
        return this.#release < LAST_RELEASE ? later('Packing') : undefined
      default:
        return undefined
    }
  }

  /** What a person does with a console while the saga is under way; then the step is refused. */
  async #turnBackByHand(id: string): Promise<never> {
    await this.sagas.abort(id, { actor: 'ada', note: 'It is wanted back.' })
    throw new RejectedError('refused', 'It is wanted back.')
  }
}

/** Asks for what cannot be had. */
async function misuse(depot: Depot, database: SqliteDatabase, { note, clock }: NodePorts): Promise<void> {
  const { sagas } = depot
  const expect = async (what: string, expected: (error: unknown) => boolean, work: () => unknown) => {
    try {
      const found = await work()
      // Whoever stops answers nothing.
      if (sagas === depot.sagas && !depot.stopping) note(`${WRONG}: ${what}`, found)
    } catch (error) {
      if (!expected(error)) note(`${WRONG}: ${what}`, String(error))
    }
  }
  const misconfigured = (error: unknown) => error instanceof ConfigurationError
  const timeoutMs = 1_000
  await expect(
    'there is no such saga',
    (error) => error instanceof NotFoundError,
    () => sagas.settled('nobody', { timeoutMs }),
  )
  const reason = new Error('the customer left')
  await expect(
    'the signal was aborted before',
    (error) => error === reason,
    () => sagas.settled('plain-1', { timeoutMs, signal: AbortSignal.abort(reason) }),
  )
  const leaving = new AbortController()
  clock.timer(20, () => leaving.abort(reason))
  const askedMs = clock.monotonicMs()
  await expect(
    'the signal was aborted meanwhile',
    (error) => error === reason && clock.monotonicMs() - askedMs < timeoutMs,
    () => sagas.settled('future', { timeoutMs, signal: leaving.signal }),
  )
  const unknown = saga<string>('unknown', { version: 1 }).step('nothing', { run: async () => 0, compensation: 'not-needed' })
  await expect('it does not have this saga', misconfigured, () =>
    database.transaction((tx) => sagas.start(tx, unknown, { id: 'x', input: '' })),
  )
  await expect('one version is given twice', misconfigured, async () =>
    orchestrator({ sagas: [unknown, unknown], database, store: sqliteSagaStore(database) }),
  )
}

/** The sagas' store, which fails once in each life: when it stores the start of plain-1, when it reads moved, and when more are asked for. */
class FailingStore implements SagaStore {
  readonly #store: SagaStore
  readonly #note: NodePorts['note']
  readonly #failed = new Set<string>()
  /** Whether it may fail to list sagas. */
  fails = false

  constructor(store: SagaStore, note: NodePorts['note']) {
    this.#store = store
    this.#note = note
  }

  lock: SagaStore['lock'] = (tx, id) => this.#store.lock(tx, id)
  strays: SagaStore['strays'] = (of) => this.#store.strays(of)
  owners: SagaStore['owners'] = () => this.#store.owners()
  release: SagaStore['release'] = (owner) => this.#store.release(owner)
  nextDueMs: SagaStore['nextDueMs'] = (versions) => this.#store.nextDueMs(versions)
  tell: SagaStore['tell'] = (tx, event) => this.#store.tell(tx, event)
  expire: SagaStore['expire'] = (tx, event) => this.#store.expire(tx, event)
  told: SagaStore['told'] = (id, tx) => this.#store.told(id, tx)
  list: SagaStore['list'] = (options) => this.#store.list(options)
  page: SagaStore['page'] = (query) => this.#store.page(query)
  count: SagaStore['count'] = (query) => this.#store.count(query)
  prune: SagaStore['prune'] = (pruning) => this.#store.prune(pruning)

  async start(...[tx, record, owner, entries]: Parameters<SagaStore['start']>): Promise<boolean> {
    const isNew = await this.#store.start(tx, record, owner, entries)
    if (isNew) this.#journaled(record.id, entries)
    return isNew
  }

  async load(...[id]: Parameters<SagaStore['load']>): ReturnType<SagaStore['load']> {
    this.#note(TAKEN_UP, id)
    this.#once(id === 'moved', 'The sagas cannot be read.')
    return this.#store.load(id)
  }

  async advance(...[tx, id, advance]: Parameters<SagaStore['advance']>): Promise<boolean> {
    this.#once(id === 'plain-1' && advance.rest === undefined, 'The disk is full.')
    const isHeld = await this.#store.advance(tx, id, advance)
    if (isHeld) this.#journaled(id, advance.entries)
    return isHeld
  }

  async claim(claim: SagaClaim): Promise<readonly string[]> {
    this.#once(this.fails && claim.id === undefined, 'The sagas cannot be listed.')
    return this.#store.claim(claim)
  }

  #journaled(id: string, entries: readonly JournalEntry[]): void {
    for (const { kind, step } of entries) this.#note(JOURNALED, `${id}/${step} ${kind}`)
  }

  #once(now: boolean, message: string): void {
    if (!now || this.#failed.has(message)) return
    this.#failed.add(message)
    throw new Error(message)
  }
}
