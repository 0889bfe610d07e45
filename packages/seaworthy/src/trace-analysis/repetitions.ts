import type { SpentTime } from './own-parts.ts'
import type { KnownSpan } from './span-map.ts'
import { CAUSES, type VerdictSpan } from './verdict-span.ts'

/** The same thing asked for again and again, one after another: what is known as N+1. */
export interface Repetition<Span extends VerdictSpan> {
  /** Whose code does so. */
  readonly service: string
  /** The span in which it does. */
  readonly within: Span
  /** The longest of those that are alike. */
  readonly span: Span
  /** Who is asked: another service, or a database. */
  readonly peer: string | undefined
  readonly count: number
  /** Of them that failed. Many are attempts at one thing, not a question for each of many. */
  readonly failed: number
  /** All of them and what is below them, on the path. */
  readonly us: number
  /** Of the whole, 0 to 1. */
  readonly ratio: number
  /** @internal */
  readonly calls: readonly KnownSpan<Span>[]
}

/** So many alike are told. */
const COUNT_MIN = 5

/** Calls of one name below one span that the path goes through one by one. The largest first. */
export function repetitions<Span extends VerdictSpan>({
  spent,
  spans,
  durationUs,
}: {
  readonly spent: readonly SpentTime<Span>[]
  /** Those on the path, parents before their children. */
  readonly spans: readonly KnownSpan<Span>[]
  readonly durationUs: number
}): readonly Repetition<Span>[] {
  const totals = new Map<number, number>()
  for (const { known, parts } of spent) {
    let us = 0
    for (const cause of CAUSES) us += parts[cause]
    totals.set(known.node.span.index, us)
  }
  const totalOf = ({ node }: KnownSpan<Span>) => totals.get(node.span.index) ?? 0
  const callsBelow = new Map<number, KnownSpan<Span>[]>()
  for (let index = spans.length - 1; index >= 0; index--) {
    const known = spans[index]!
    const { parent } = known.node
    if (parent === undefined) continue
    const above = parent.span.index
    totals.set(above, (totals.get(above) ?? 0) + totalOf(known))
    if (known.source.kind !== 'client' && known.source.kind !== 'internal') continue
    const calls = callsBelow.get(above)
    if (calls === undefined) callsBelow.set(above, [known])
    else calls.push(known)
  }
  const found: Repetition<Span>[] = []
  for (const known of spans) {
    for (const calls of alike(callsBelow.get(known.node.span.index) ?? [])) {
      const us = calls.reduce((sum, call) => sum + totalOf(call), 0)
      const longest = calls.reduce((one, other) => (totalOf(other) > totalOf(one) ? other : one))
      found.push({
        service: longest.source.service,
        within: known.source,
        span: longest.source,
        peer: peerOf(longest),
        calls,
        count: calls.length,
        failed: calls.filter(({ source }) => source.error !== undefined).length,
        us,
        ratio: durationUs === 0 ? 0 : us / durationUs,
      })
    }
  }
  return found.sort((one, other) => other.us - one.us)
}

/** Those of one name that ask the same one, where they are many. */
function alike<Span extends VerdictSpan>(calls: readonly KnownSpan<Span>[]): readonly KnownSpan<Span>[][] {
  if (calls.length < COUNT_MIN) return []
  return [...Map.groupBy(calls, (call) => `${call.source.name}\n${peerOf(call) ?? ''}`).values()].filter(
    ({ length }) => length >= COUNT_MIN,
  )
}

function peerOf<Span extends VerdictSpan>({ callees, facts }: KnownSpan<Span>): string | undefined {
  return callees[0]?.span.source.service ?? facts.database ?? facts.peer
}
