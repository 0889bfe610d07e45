import type { ClientConfig } from 'pg'
import { type Clock, type Operation, ConfigurationError, recordedSpan, sleep, tracedService } from 'seaworthy/core'
import { factLink, lockFact, timeFact } from 'seaworthy/trace-analysis'
import type { Connection } from '../connection.ts'
import { deadlockPartners } from './deadlock.ts'
import { type Holders, holdersOn } from './holders.ts'
import type { LockGraph, LockSession } from './lock-graph.ts'
import { LockProbe } from './lock-probe.ts'
import { LockWatch } from './lock-watch.ts'
import { redactSql } from './redact-sql.ts'
import type { Blocker, SessionTimes } from './session-times.ts'
import { type TraceReference, markerOf, referenceOf } from './trace-marker.ts'

export interface LockAttributionOptions {
  /** How long a statement is out before the server is asked what it waits for. Shorter waits count as execution. Default 40. */
  readonly afterMs?: number
  /** How often a second the server is asked at most. Default 20. */
  readonly looksPerSecondMax?: number
  /**
   * Whether an open transaction carries its service and trace as its `application_name`, by which other processes find whose it is. Default true. Without it they
   * name process id, application and statement; transactions of one process find each other all the same.
   */
  readonly marksTransactions?: boolean
}

// How long somebody who lost a deadlock waits to hear with whom.
const NAMING_MS = 100

/** States, as attributes of a database operation, where its time went, and who held the locks that it waited for. */
export class LockAttribution {
  readonly #watch: LockWatch | undefined
  readonly #clock: Clock
  readonly #marks: boolean
  readonly #lateMs: number

  constructor(parameters: {
    readonly config: ClientConfig
    /** Of the database, for errors. */
    readonly name: string
    readonly clock: Clock
    readonly options: LockAttributionOptions | false
  }) {
    const { config, name, clock, options } = parameters
    const { afterMs = 40, looksPerSecondMax = 20, marksTransactions = true } = options === false ? {} : options
    if (!(afterMs >= 1) || !(looksPerSecondMax > 0)) {
      throw new ConfigurationError(
        `lockAttribution of ${name} has afterMs ${afterMs} and looksPerSecondMax ${looksPerSecondMax}. Both are above 0; \`false\` switches it off.`,
      )
    }
    this.#clock = clock
    this.#lateMs = afterMs
    this.#marks = options !== false && marksTransactions
    this.#watch =
      options === false ? undefined : new LockWatch({ probe: new LockProbe({ config, clock }), clock, afterMs, looksPerSecondMax })
  }

  /** Does the work of an operation on a session. `work` gets the name that its transaction shall carry, if any. Nothing is done for an operation that nobody records. */
  async observe<T>(operation: Operation, connection: Connection, work: (applicationName: string | undefined) => Promise<T>): Promise<T> {
    const span = this.#watch === undefined ? undefined : recordedSpan()
    if (span === undefined) return work(undefined)
    const reference = { ...span, service: tracedService() }
    const holders = holdersOn(connection.server)
    const times = this.#watch!.time(connection.pid, (pid, session) => nameHolder(holders, pid, session))
    connection.times = times
    holders.set(connection.pid, reference)
    try {
      return await work(this.#marks ? markerOf(reference) : undefined)
    } catch (error) {
      const partners = deadlockPartners(error, connection.pid)
      if (partners.length > 0) await this.#nameDeadlock(operation, { partners, holders, reference, times })
      throw error
    } finally {
      connection.times = undefined
      describe(operation, times, this.#lateMs)
    }
  }

  async close(): Promise<void> {
    await this.#watch?.close()
  }

  /** Both traces of a deadlock, on the span of the one who lost it. */
  async #nameDeadlock(
    operation: Operation,
    lost: {
      readonly partners: readonly number[]
      readonly holders: Holders
      readonly reference: TraceReference
      readonly times: SessionTimes
    },
  ): Promise<void> {
    const { partners, holders, reference, times } = lost
    const named = (graph: LockGraph | undefined) => partners.map((pid) => nameHolder(holders, pid, graph?.get(pid)))
    let graph = times.lastGraph
    // Found by the server before anybody looked: they may still wait for others, or be in the same transaction.
    if (named(graph).some((partner) => partner === undefined)) {
      const giveUp = new AbortController()
      const look = this.#watch?.lookNow(partners).finally(() => giveUp.abort())
      const late = sleep(this.#clock, NAMING_MS, giveUp.signal).catch(() => undefined)
      const found = await Promise.race([look, late])
      giveUp.abort()
      if (found !== undefined) graph = found.graph
    }
    const references = named(graph)
    const known = references.filter((partner) => partner !== undefined)
    operation.attributes['seaworthy.lock.deadlock.pids'] = partners.join(', ')
    operation.attributes['seaworthy.lock.deadlock.trace_ids'] = [reference, ...known].map(({ traceId }) => traceId).join(', ')
    operation.links = [...(operation.links ?? []), ...known.map(linkTo)]
    if (times.blocker !== undefined) return
    describeBlocker(operation, {
      path: { kind: 'circle', chain: partners, pid: partners[0]! },
      session: graph?.get(partners[0]!),
      reference: references[0],
    })
  }
}

/** The server's own word for it is of the moment of the look. What this process knows of its own sessions is of now, and has the service's whole name. */
function nameHolder(holders: Holders, pid: number, session: LockSession | undefined): TraceReference | undefined {
  const own = holders.get(pid)
  const marked = session?.application === undefined ? undefined : referenceOf(session.application)
  return marked === undefined || marked.spanId === own?.spanId ? own : marked
}

function describe(operation: Operation, times: SessionTimes, lateMs: number): void {
  const { attributes } = operation
  const { lockWaitMs, longest, blocker } = times
  attributes[timeFact.executeMs] = times.executeMs
  if (lockWaitMs !== undefined) attributes[timeFact.lockWaitMs] = lockWaitMs
  if (longest !== undefined && longest.ms >= lateMs) {
    attributes['db.query.text'] = redactSql(longest.sql)
    attributes['seaworthy.database.longest_statement_ms'] = longest.ms
  }
  if (blocker === undefined) return
  describeBlocker(operation, blocker)
  if (blocker.reference !== undefined) operation.links = [...(operation.links ?? []), linkTo(blocker.reference)]
}

function describeBlocker({ attributes }: Operation, { path, session, reference }: Blocker): void {
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined) attributes[name] = value
  }
  set(lockFact.blockerPid, path.pid)
  set(lockFact.chainLength, path.chain.length)
  set(lockFact.blockerTraceId, reference?.traceId)
  set(lockFact.blockerSpanId, reference?.spanId)
  set(lockFact.blockerService, reference?.service)
  set('seaworthy.lock.blocker.application', reference === undefined ? session?.application : undefined)
  set(lockFact.blockerStatement, session?.statement === undefined ? undefined : redactSql(session.statement))
  const isIdle = session?.state?.startsWith('idle in transaction') === true
  set(lockFact.blockerIdleMs, isIdle ? session.idleMs : undefined)
  set(
    lockFact.blockerState,
    path.kind === 'circle' ? 'waiting' : isIdle ? 'idle in transaction' : session?.state === 'active' ? 'active' : undefined,
  )
}

function linkTo({ traceId, spanId }: TraceReference) {
  return { traceId, spanId, attributes: { [factLink.name]: factLink.lockBlocker } }
}
