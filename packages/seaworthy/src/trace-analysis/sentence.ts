import type { Finding } from './findings.ts'
import type { Repetition } from './repetitions.ts'
import type { LockHolder } from './span-facts.ts'
import type { Verdict } from './verdict.ts'
import type { VerdictSpan } from './verdict-span.ts'

/** What is worth a second clause. */
const SECOND_RATIO_MIN = 0.2
/** Below it nothing stands out. */
const MAIN_RATIO_MIN = 0.3
/** Repeated calls with so much of the time are the cause, whatever each of them spends it on. */
const REPETITION_RATIO_MIN = 0.3
const NAME_LENGTH_MAX = 80

/**
 * A verdict in one sentence, for somebody who was woken up: how much of it, who, waiting for what, held by whom. The same verdict gives the same words.
 */
export function sentence<Span extends VerdictSpan>(verdict: Verdict<Span>): string {
  const what = subjectOf(verdict.root)
  const [main, second] = clauses(verdict)
  if (main === undefined) return `There is nothing to tell of ${what}: it took no time.`
  if (main.ratio < MAIN_RATIO_MIN) return `Nothing stands out in ${what}: its largest part, ${percent(main.ratio)}, is ${main.text}.`
  const also = second !== undefined && second.ratio >= SECOND_RATIO_MIN ? `; another ${percent(second.ratio)} is ${second.text}` : ''
  return `${percent(main.ratio)} of ${what} is ${main.text}${also}.`
}

interface Clause {
  readonly ratio: number
  readonly text: string
}

/** The largest first. What is a part of repeated calls is not told again. */
function clauses<Span extends VerdictSpan>({ findings, repetitions, besides }: Verdict<Span>): readonly Clause[] {
  const [repetition] = repetitions
  const [first] = findings
  const tell = (each: readonly Finding<Span>[]) => each.map((finding) => ({ ratio: finding.ratio, text: describe(finding) }))
  if (repetition === undefined || repetition.ratio < REPETITION_RATIO_MIN) return tell(findings)
  // A lock, or a pool, that each of them waits for is worse than their number.
  if (first !== undefined && first.ratio > repetition.ratio * 0.8 && isWait(first)) return tell(findings)
  const told: Clause = { ratio: repetition.ratio, text: describeRepetition(repetition) }
  return [told, ...tell(besides)].toSorted((one, other) => other.ratio - one.ratio)
}

function isWait<Span extends VerdictSpan>({ cause }: Finding<Span>): boolean {
  return cause === 'lock-wait' || cause === 'pool-wait' || cause === 'blocked-loop' || cause === 'cpu'
}

/** What one finding says, to stand after "is". */
export function describe<Span extends VerdictSpan>({ cause, service, span, peer, lockHolder, spanCount }: Finding<Span>): string {
  switch (cause) {
    case 'code':
      return `${service} waiting in its own code, in ${named(span)}, for something that no span covers: a timer, a file, a callee without traces`
    case 'cpu':
      return `${service} computing, its CPU busy in ${named(span)}`
    case 'blocked-loop':
      return `${service} standing still: a synchronous call held its event loop, with the CPU idle, in ${named(span)}`
    case 'pool-wait':
      return isSqlite(peer)
        ? `${service} waiting for its turn to write to SQLite: another transaction of its own is long`
        : `${service} waiting for a free database connection: its pool is too small, or transactions keep connections for too long`
    case 'lock-wait':
      return `${service} waiting for a lock ${heldBy(lockHolder)}`
    case 'query':
      return spanCount === 1
        ? `${service} waiting for its database to answer ${named(span)}`
        : `${service} waiting for its database to answer ${spanCount} times, longest for ${named(span)}`
    case 'network':
      return `the network between ${service} and ${peer ?? 'whom it called'}, or ${peer ?? 'the other side'} not taking the call up`
    case 'queue':
      return span.kind === 'producer'
        ? `a message lying in the outbox of ${service}${peer === undefined ? '' : ` for ${quoted(peer)}`}`
        : `a message lying in ${peer === undefined ? 'a queue' : quoted(peer)} until ${service} reads it`
    case 'admission':
      return `${service} holding ${named(span)} back at a bulkhead, a limiter or a gateway`
    case 'downstream':
      return `${service} waiting for ${peer ?? named(span)}, which sends no spans`
    case 'unexplained':
      return `time in ${service}, in ${named(span)}, that nobody recorded: it states no facts about its CPU and its event loop`
  }
}

function heldBy(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'in its database; who held it is not known'
  const { service, pid, traceId, state, idleMs, statement, chainLength } = holder
  const who = service ?? (pid === undefined ? 'somebody unknown' : `process ${pid} of the database`)
  const chain = chainLength !== undefined && chainLength > 1 ? ` at the root of a chain of ${chainLength}` : ''
  const trace = traceId === undefined ? '' : ` (trace ${traceId.slice(0, 8)}…)`
  return `held by ${who}${trace}${chain}${doing(state, idleMs, statement)}`
}

function doing(state: LockHolder['state'], idleMs: number | undefined, statement: string | undefined): string {
  switch (state) {
    case 'idle in transaction':
      return `, idle in transaction${idleMs === undefined ? '' : ` for ${duration(idleMs)}`}`
    case 'active':
      return statement === undefined ? ', at work in the database' : `, at work on ${quoted(statement)}`
    case 'waiting':
      return ', which waits itself'
    case undefined:
      return ''
  }
}

function describeRepetition<Span extends VerdictSpan>({ service, peer, span, count, failed }: Repetition<Span>): string {
  const whom = peer === undefined ? '' : ` ${isDatabase(span) ? 'its database' : peer}`
  const failing = failed * 2 > count ? `, ${failed} of them without success` : ''
  return `${service} asking${whom} for ${named(span)} ${count} times, one after another${failing}`
}

function isDatabase({ attributes }: VerdictSpan): boolean {
  return attributes.some(({ key }) => key === 'db.system.name' || key === 'db.system')
}

function isSqlite(database: string | undefined): boolean {
  return database?.includes('sqlite') === true
}

/** `POST /api/checkout` is this checkout; what has no such name is called by its own. */
function subjectOf({ name }: VerdictSpan): string {
  const word = /^POST \S*\/(?<word>[a-z][a-z-]*[a-rt-z])$/.exec(name)?.groups?.['word']
  return word === undefined ? clipped(name) : `this ${word}`
}

const named = ({ name }: VerdictSpan) => clipped(name)
const quoted = (text: string) => `"${clipped(text)}"`

function clipped(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= NAME_LENGTH_MAX ? line : `${line.slice(0, NAME_LENGTH_MAX - 1)}…`
}

/** Whole per cent; not 100 for less than all, and not 0 for something. */
function percent(ratio: number): string {
  return `${Math.max(1, Math.min(ratio === 1 ? 100 : 99, Math.round(ratio * 100)))} %`
}

function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}
