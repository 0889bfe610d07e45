import type { LockHolderState } from './time-facts.ts'
import { lockFact, loopStretch, timeFact } from './time-facts.ts'
import type { SpanAttribute, VerdictSpan } from './verdict-span.ts'

/** Who held the lock that a span waited for, as far as it is known. */
export interface LockHolder {
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly service?: string | undefined
  readonly state?: LockHolderState | undefined
  readonly idleMs?: number | undefined
  readonly statement?: string | undefined
  readonly pid?: string | undefined
  /** How many stood between the span and the root: 1 if the root held what the span waited for. */
  readonly chainLength?: number | undefined
}

/** A stretch of the event loop, in whole microseconds. */
export interface Stretch {
  readonly startUs: number
  readonly endUs: number
  readonly cpuUs: number
  /** It was for another request: whoever told of it had to wait meanwhile. */
  readonly isOfOthers: boolean
}

/** A fact that cannot be: no number, below zero, or longer than its span. It was left out, or cut to the span. */
export interface DoubtfulFact {
  readonly spanId: string
  readonly fact: string
  readonly stated: string
  /** What was counted instead, in microseconds. */
  readonly countedUs: number
}

/** A clock that is read twice may be off by a little. What the loop did is known at its turns alone, and a turn may have begun before the span. */
function toleranceUs(key: string, maxUs: number): number {
  return OF_THE_PROCESS.has(key) ? Math.max(50_000, maxUs * 0.1) : Math.max(1_000, maxUs * 0.01)
}

const OF_THE_PROCESS: ReadonlySet<string> = new Set([
  timeFact.cpuMs,
  timeFact.loopActiveMs,
  timeFact.loopBlockedMs,
  timeFact.processorWaitMs,
])

type TimeName = keyof typeof timeFact

/** What a span states about its time, in whole microseconds. */
export interface SpanFacts {
  readonly times: Readonly<Partial<Record<TimeName, number>>>
  readonly lockHolder: LockHolder | undefined
  readonly stretches: readonly Stretch[]
  /** The database that it is a client of. */
  readonly database: string | undefined
  /** What it was sent to. */
  readonly peer: string | undefined
  readonly outboxWaitUs: number | undefined
}

// The names of semantic conventions, the current one first.
const DATABASE_KEYS = ['db.system.name', 'db.system', 'db.type'] as const
const PEER_KEYS = [
  'service.peer.name',
  'peer.service',
  'messaging.destination.name',
  'server.address',
  'net.peer.name',
  'http.host',
] as const

/** What an attribute is looked at for: one look-up for each of a million. */
const KEYS: ReadonlyMap<string, TimeName | 'outbox' | 'text'> = new Map<string, TimeName | 'outbox' | 'text'>([
  ...Object.entries(timeFact).map(([name, key]) => [key, name as TimeName] as const),
  // What the library's spans said before there were facts, and what SQLite's still say.
  ['seaworthy.database.wait_ms', 'poolWaitMs'],
  ['seaworthy.outbox.wait_ms', 'outbox'],
  ...[...DATABASE_KEYS, ...PEER_KEYS, ...Object.values(lockFact)].map((key) => [key, 'text'] as const),
])

/** Names of all attributes that a verdict looks at. Whoever hands on a trace to be judged elsewhere may leave out the others, and all events but `loopStretch.event`. */
export const verdictAttributes: ReadonlySet<string> = new Set(KEYS.keys())

/** Facts of these speak of a time before the span, or of whatever the thread did: only a queue's wait may be longer than the span. */
const UNBOUNDED: ReadonlySet<TimeName> = new Set(['queueWaitMs'])

/** Reads what a span states; tells `onDoubt` what cannot be. */
export function spanFacts(span: VerdictSpan, durationUs: number, onDoubt: (fact: DoubtfulFact) => void): SpanFacts {
  const times: Partial<Record<TimeName, number>> = {}
  let outboxWaitUs: number | undefined
  let texts: Map<string, string> | undefined
  const read = (key: string, value: string, maxUs: number): number | undefined => {
    const us = Math.round(Number(value) * 1_000)
    if (!Number.isFinite(us) || us < 0 || value.trim() === '') {
      onDoubt({ spanId: span.spanId, fact: key, stated: value, countedUs: 0 })
      return undefined
    }
    if (us > maxUs + toleranceUs(key, maxUs)) onDoubt({ spanId: span.spanId, fact: key, stated: value, countedUs: maxUs })
    return Math.min(us, maxUs)
  }
  for (const { key, value } of span.attributes) {
    const known = KEYS.get(key)
    if (known === undefined) continue
    if (known === 'text') (texts ??= new Map()).set(key, value)
    else if (known === 'outbox') outboxWaitUs = read(key, value, durationUs)
    else {
      const us = read(key, value, UNBOUNDED.has(known) ? Number.MAX_SAFE_INTEGER : durationUs)
      // Of two names for one thing the fact counts.
      if (us !== undefined && (times[known] === undefined || key === timeFact[known])) times[known] = us
    }
  }
  const said = texts
  const first = (keys: readonly string[]) => keys.map((key) => said?.get(key)).find((value) => value !== undefined && value !== '')
  return {
    times,
    lockHolder: texts === undefined ? undefined : lockHolder(texts),
    stretches: stretchesOf(span, processorShare(times)),
    database: first(DATABASE_KEYS),
    peer: first(PEER_KEYS),
    outboxWaitUs,
  }
}

const STATES: readonly LockHolderState[] = ['active', 'idle in transaction', 'waiting']

function lockHolder(texts: ReadonlyMap<string, string>): LockHolder | undefined {
  const text = (key: string) => texts.get(key) || undefined
  const number = (key: string) => {
    const value = Number(text(key) ?? Number.NaN)
    return Number.isFinite(value) && value >= 0 ? value : undefined
  }
  const holder: LockHolder = {
    traceId: text(lockFact.blockerTraceId),
    spanId: text(lockFact.blockerSpanId),
    service: text(lockFact.blockerService),
    state: STATES.find((state) => state === text(lockFact.blockerState)),
    idleMs: number(lockFact.blockerIdleMs),
    statement: text(lockFact.blockerStatement),
    pid: text(lockFact.blockerPid),
    chainLength: number(lockFact.chainLength),
  }
  return Object.values(holder).some((value) => value !== undefined) ? holder : undefined
}

const NO_STRETCHES: readonly Stretch[] = []

/** How much of the time in which the loop was busy without CPU the thread waited for a processor, 0 to 1. */
function processorShare({ processorWaitMs = 0, loopBlockedMs = 0 }: SpanFacts['times']): number {
  return processorWaitMs === 0 ? 0 : processorWaitMs / (processorWaitMs + loopBlockedMs)
}

function stretchesOf({ events }: VerdictSpan, waitShare: number): readonly Stretch[] {
  if (events === undefined || events.length === 0) return NO_STRETCHES
  const found: Stretch[] = []
  for (const { name, atUs, attributes } of events) {
    if (name !== loopStretch.event) continue
    const us = Math.round(numberOf(attributes, loopStretch.ms) * 1_000)
    // Also what is too short for a microsecond: nothing can be spread over no time.
    if (!(us > 0)) continue
    const computedUs = Math.min(us, Math.max(0, numberOf(attributes, loopStretch.cpuMs) * 1_000 || 0))
    // A thread that waits for a processor would compute if it could.
    const cpuUs = computedUs + (us - computedUs) * waitShare
    const isOfOthers = attributes.some(({ key, value }) => key === loopStretch.own && value === 'false')
    const startUs = Math.round(atUs)
    found.push({ startUs, endUs: startUs + us, cpuUs: Math.round(cpuUs), isOfOthers })
  }
  return found
}

function numberOf(attributes: readonly SpanAttribute[], key: string): number {
  return Number(attributes.find((attribute) => attribute.key === key)?.value ?? Number.NaN)
}
