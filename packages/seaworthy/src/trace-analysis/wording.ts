import type { Finding } from './findings.ts'
import type { LockHolder } from './span-facts.ts'
import type { VerdictSpan } from './verdict-span.ts'

const NAME_LENGTH_MAX = 80

/** What one finding says, to stand after "is". */
export function describe<Span extends VerdictSpan>({
  cause,
  service,
  span,
  us,
  ofOthersUs,
  peer,
  lockHolder,
  spanCount,
}: Finding<Span>): string {
  switch (cause) {
    case 'code':
      return `${service} waiting in its own code, in ${named(span)}, for something that no span covers: a timer, a file, a callee without traces`
    case 'cpu':
      return ofOthersUs * 2 > us
        ? `${service} computing for other requests, behind which ${named(span)} had to wait`
        : `${service} computing, its CPU busy in ${named(span)}`
    case 'blocked-loop':
      return ofOthersUs * 2 > us
        ? `${service} standing still: a synchronous call of another request held its event loop, with the CPU idle, and ${named(span)} had to wait`
        : `${service} standing still: a synchronous call held its event loop, with the CPU idle, in ${named(span)}`
    case 'pool-wait':
      if (isSqlite(peer)) return `${service} waiting for ${turnToWrite(lockHolder)}`
      return `${service} waiting for a free database connection: its pool is too small, or transactions keep connections for too long`
    case 'lock-wait':
      return `${service} waiting for a lock ${heldBy(lockHolder)}`
    case 'query':
      return spanCount === 1
        ? `${service} waiting for its database to answer ${asked(span)}`
        : `${service} waiting for its database to answer ${spanCount} times, longest for ${asked(span)}`
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

/** SQLite has one writer at a time: the lock of the whole file. */
function turnToWrite(holder: LockHolder | undefined): string {
  if (holder?.traceId === undefined) return 'its turn to write to SQLite: another transaction of its own is long'
  const { traceId, state, idleMs, statement } = holder
  return `SQLite's write lock, held by another transaction of its own (trace ${traceId.slice(0, 8)}…)${doing(state, idleMs, statement)}`
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

function isSqlite(database: string | undefined): boolean {
  return database?.includes('sqlite') === true
}

const STATEMENT_KEYS: readonly string[] = ['db.query.summary', 'db.query.text', 'db.statement']

/** What a database was asked: its statement, where that is known. */
export function asked(span: VerdictSpan): string {
  const found = STATEMENT_KEYS.map((wanted) => span.attributes.find(({ key }) => key === wanted)?.value).find(
    (value) => value !== undefined,
  )
  return found === undefined ? named(span) : quoted(found)
}

const named = ({ name }: VerdictSpan) => clipped(name)
const quoted = (text: string) => `"${clipped(text)}"`

export function clipped(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= NAME_LENGTH_MAX ? line : `${line.slice(0, NAME_LENGTH_MAX - 1)}…`
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}
