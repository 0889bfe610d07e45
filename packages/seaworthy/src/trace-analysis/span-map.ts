import { type AlignedSpan, processOf } from './aligned-spans.ts'
import { type Interval, lengthOf, without } from './interval.ts'
import { LoopStretches } from './loop-stretches.ts'
import { type DoubtfulFact, type SpanFacts, spanFacts } from './span-facts.ts'
import type { SpanTreeNode } from './span-tree.ts'
import type { VerdictSpan } from './verdict-span.ts'

/**
 * How a span's own time is read:
 * - `local`: its process was at it
 * - `database`: a database was asked
 * - `call`: somebody was called who sends spans too
 * - `untraced`: somebody was called who sends none
 * - `send`: a message was handed over
 */
type Role = 'local' | 'database' | 'call' | 'untraced' | 'send'

/** A span with what its own time is judged by. */
export interface KnownSpan<Span extends VerdictSpan> {
  readonly node: SpanTreeNode<AlignedSpan<Span>>
  readonly source: Span
  readonly role: Role
  readonly facts: SpanFacts
  /** For a database's client: what its statements took, but for those that are spans of their own below it. */
  readonly statements: Statements
  /** The span by which work entered its process, if it tells what the process did meanwhile. */
  readonly entry: KnownSpan<Span> | undefined
  readonly loop: LoopStretches
  /** For a call: those whom it reached, in the order of time. */
  readonly callees: readonly SpanTreeNode<AlignedSpan<Span>>[]
  /** Its own time: no child that it waited for covers it. In the order of time. */
  readonly own: readonly Interval[]
  readonly ownUs: number
}

interface Statements {
  readonly lockWaitUs: number
  /** Undefined where nobody said. */
  readonly executeUs: number | undefined
}

export interface SpanMap<Span extends VerdictSpan> {
  /** By the index of the span. */
  readonly known: readonly KnownSpan<Span>[]
  /** The stretches of a process's event loop. */
  readonly loopOf: (span: Span) => LoopStretches
  readonly doubts: readonly DoubtfulFact[]
}

/** Looks once at every span of some trees. */
export function spanMap<Span extends VerdictSpan>(roots: readonly SpanTreeNode<AlignedSpan<Span>>[]): SpanMap<Span> {
  const doubts: DoubtfulFact[] = []
  const nodes: SpanTreeNode<AlignedSpan<Span>>[] = []
  const facts: SpanFacts[] = []
  const told = new Map<string, SpanFacts['stretches'][number][]>()
  const pending = [...roots].toReversed()
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const { source, startUs, endUs, shiftUs } = node.span
    const stated = spanFacts(source, endUs - startUs, (doubt) => doubts.push(doubt))
    nodes.push(node)
    facts.push(stated)
    if (stated.stretches.length > 0) {
      const process = processOf(source)
      const stretches = told.get(process) ?? []
      told.set(process, stretches)
      for (const each of stated.stretches) stretches.push({ ...each, startUs: each.startUs + shiftUs, endUs: each.endUs + shiftUs })
    }
    for (let index = node.children.length - 1; index >= 0; index--) pending.push(node.children[index]!)
  }
  const loops = new Map([...told].map(([process, stretches]) => [process, new LoopStretches(stretches)]))
  const loopOf = (span: Span) => (loops.size === 0 ? NO_LOOP : (loops.get(processOf(span)) ?? NO_LOOP))
  const known: KnownSpan<Span>[] = []
  for (const [index, node] of nodes.entries()) {
    const above = node.parent === undefined ? undefined : known[node.parent.span.index]
    const statements = statementsOf(node, facts)
    known.push(know(node, { facts: facts[index]!, statements, loop: loopOf(node.span.source), above }))
  }
  return { known, loopOf, doubts }
}

const NO_CALLEES: readonly never[] = []
const NO_LOOP = new LoopStretches([])

function know<Span extends VerdictSpan>(
  node: SpanTreeNode<AlignedSpan<Span>>,
  of: Pick<KnownSpan<Span>, 'facts' | 'statements' | 'loop'> & { readonly above: KnownSpan<Span> | undefined },
): KnownSpan<Span> {
  const { span } = node
  const callees = span.source.kind === 'client' ? node.children.filter(isServed) : NO_CALLEES
  const own = ownTime(node)
  const one: { -readonly [Key in keyof KnownSpan<Span>]: KnownSpan<Span>[Key] } = {
    node,
    facts: of.facts,
    statements: of.statements,
    loop: of.loop,
    source: span.source,
    role: roleOf(node, of.facts, callees.length > 0),
    entry: undefined,
    callees,
    own,
    ownUs: lengthOf(own),
  }
  if (tellsOfItsProcess(of.facts)) one.entry = one
  else if (of.above !== undefined && processOf(of.above.source) === processOf(span.source)) one.entry = of.above.entry
  return one
}

const NO_STATEMENTS: Statements = { lockWaitUs: 0, executeUs: undefined }

function statementsOf<Span extends VerdictSpan>(
  { span, children }: SpanTreeNode<AlignedSpan<Span>>,
  facts: readonly SpanFacts[],
): Statements {
  const { times } = facts[span.index]!
  if (times.lockWaitMs === undefined && times.executeMs === undefined) return NO_STATEMENTS
  const net = (name: 'lockWaitMs' | 'executeMs') => {
    let us = times[name] ?? 0
    for (const child of children) us -= facts[child.span.index]!.times[name] ?? 0
    return Math.max(0, us)
  }
  return { lockWaitUs: net('lockWaitMs'), executeUs: times.executeMs === undefined ? undefined : net('executeMs') }
}

function isServed<Span extends VerdictSpan>({ span }: SpanTreeNode<AlignedSpan<Span>>): boolean {
  return span.source.kind === 'server' && span.isAsynchronous !== true
}

function tellsOfItsProcess({ times }: SpanFacts): boolean {
  return times.cpuMs !== undefined || times.loopActiveMs !== undefined || times.loopBlockedMs !== undefined
}

function roleOf<Span extends VerdictSpan>(
  node: SpanTreeNode<AlignedSpan<Span>>,
  { database, times }: SpanFacts,
  isAnswered: boolean,
): Role {
  const { kind } = node.span.source
  if (kind === 'server' || kind === 'consumer') return 'local'
  if (times.executeMs !== undefined || times.lockWaitMs !== undefined || times.poolWaitMs !== undefined) return 'database'
  if (database !== undefined && kind !== 'internal') return 'database'
  if (kind === 'producer') return 'send'
  if (kind !== 'client') return 'local'
  if (isAnswered) return 'call'
  // A library's span around another library's for the same call.
  return node.children.some(({ span }) => span.source.kind === 'client') ? 'local' : 'untraced'
}

/** The span less the union of the children that it waited for, where they lie within it. */
function ownTime<Span extends VerdictSpan>({ span: { startUs, endUs }, children }: SpanTreeNode<AlignedSpan<Span>>): readonly Interval[] {
  const whole = endUs > startUs ? [{ startUs, endUs }] : []
  if (children.length === 0 || whole.length === 0) return whole
  // Moved spans are no longer in the order in which the tree has them.
  const waitedFor = children
    .filter(({ span }) => span.isAsynchronous !== true && span.endUs > span.startUs)
    .map(({ span }) => span)
    .sort((one, other) => one.startUs - other.startUs)
  const covered: { startUs: number; endUs: number }[] = []
  for (const child of waitedFor) {
    const last = covered.at(-1)
    if (last === undefined || child.startUs > last.endUs) covered.push({ startUs: child.startUs, endUs: child.endUs })
    else last.endUs = Math.max(last.endUs, child.endUs)
  }
  return without(whole, covered)
}
