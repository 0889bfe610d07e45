import type { SpentTime } from './own-parts.ts'
import type { LockHolder } from './span-facts.ts'
import type { KnownSpan } from './span-map.ts'
import { CAUSES, type Cause, type VerdictSpan } from './verdict-span.ts'

/** Time of one cause, spent by one service, on one thing. */
export interface Finding<Span extends VerdictSpan> {
  readonly cause: Cause
  readonly service: string
  readonly us: number
  /** Of the whole, 0 to 1. */
  readonly ratio: number
  /** The span with the most of it. */
  readonly span: Span
  /** Spans with some of it. */
  readonly spanCount: number
  /** For `cpu` and `blocked-loop`: of its time, and of that of the other of both in the same spans, how much was for other requests. */
  readonly ofOthersUs: number
  /** For `lock-wait`, and for the turn to write to SQLite: who held it, where that is known. */
  readonly lockHolder: LockHolder | undefined
  /** For `network` and `downstream` who was called, for `queue` where the message lay, where that is known. */
  readonly peer: string | undefined
}

/** Groups the parts of spans by what somebody would do about them. The largest first; of two equal ones the one that came first. */
export function findings<Span extends VerdictSpan>(spent: readonly SpentTime<Span>[], durationUs: number): readonly Finding<Span>[] {
  const groups = new Map<string, { -readonly [Key in keyof Finding<Span>]: Finding<Span>[Key] } & { mostUs: number }>()
  for (const { known, parts, ofOthersUs: all } of spent) {
    for (const cause of CAUSES) {
      const us = parts[cause]
      if (us === 0) continue
      const { service } = known.source
      const lockHolder = holderOf(cause, known)
      const peer = peerOf(cause, known)
      const ofOthersUs = cause === 'cpu' || cause === 'blocked-loop' ? all : 0
      // Whoever waits for SQLite waits for many, one after another: the one that took longest stands for them.
      const separate = cause === 'lock-wait' ? (lockHolder?.traceId ?? lockHolder?.service ?? lockHolder?.pid) : undefined
      const key = [cause, service, peer, separate].join('\n')
      const group = groups.get(key)
      if (group === undefined) {
        groups.set(key, { cause, service, us, ratio: 0, span: known.source, spanCount: 1, ofOthersUs, lockHolder, peer, mostUs: us })
        continue
      }
      group.us += us
      group.ofOthersUs += ofOthersUs
      group.spanCount++
      if (us <= group.mostUs) continue
      group.mostUs = us
      group.span = known.source
      group.lockHolder = lockHolder
    }
  }
  return [...groups.values()]
    .map(({ mostUs: _mostUs, ...finding }) => ({ ...finding, ratio: durationUs === 0 ? 0 : finding.us / durationUs }))
    .sort((one, other) => other.us - one.us)
}

function holderOf<Span extends VerdictSpan>(cause: Cause, { facts }: KnownSpan<Span>): LockHolder | undefined {
  const { times, database, lockHolder } = facts
  if (cause === 'lock-wait') return lockHolder
  // A span of SQLite names one holder: of the lock of another process, or of its own process's only writer, whichever took longer.
  const isOfTurn = cause === 'pool-wait' && database?.includes('sqlite') === true && (times.poolWaitMs ?? 0) >= (times.lockWaitMs ?? 0)
  return isOfTurn ? lockHolder : undefined
}

function peerOf<Span extends VerdictSpan>(cause: Cause, { callees, facts }: KnownSpan<Span>): string | undefined {
  switch (cause) {
    case 'network':
      return callees[0]?.span.source.service ?? facts.peer
    case 'downstream':
    case 'queue':
      return facts.peer
    case 'query':
    case 'lock-wait':
    case 'pool-wait':
      return facts.database
    case 'code':
    case 'cpu':
    case 'blocked-loop':
    case 'admission':
    case 'unexplained':
      return undefined
  }
}
