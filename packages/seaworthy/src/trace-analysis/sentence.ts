import type { Finding } from './findings.ts'
import type { Repetition } from './repetitions.ts'
import type { Verdict } from './verdict.ts'
import type { PartDifference, PopulationDifference, StructureDifference } from './populations.ts'
import type { VerdictSpan } from './verdict-span.ts'
import { asked, clipped, describe, duration } from './wording.ts'

/** What is worth a second clause. */
const SECOND_RATIO_MIN = 0.2
/** Below it nothing stands out. */
const MAIN_RATIO_MIN = 0.3
/** Repeated calls with so much of the time are the cause, whatever each of them spends it on. */
const REPETITION_RATIO_MIN = 0.3

/**
 * A verdict in one sentence, for somebody who was woken up: how much of it, who, waiting for what, held by whom. The same verdict gives the same words.
 */
export function sentence<Span extends VerdictSpan>(verdict: Verdict<Span>): string {
  const what = subjectOf(verdict.root)
  const [main, second] = clauses(verdict)
  if (main === undefined) return `There is nothing to tell of ${what}: it took no time.`
  if (main.ratio < MAIN_RATIO_MIN) return `Nothing stands out in ${what}: its largest single part, ${percent(main.ratio)}, is ${main.text}.`
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

function describeRepetition<Span extends VerdictSpan>({ service, peer, span, count, failed }: Repetition<Span>): string {
  const whom = peer === undefined ? '' : ` ${isDatabase(span) ? 'its database' : peer}`
  const failing = failed * 2 > count ? `, ${failed} of them without success` : ''
  return `${service} asking${whom} for ${asked(span)} ${count} times, one after another${failing}`
}

function isDatabase({ attributes }: VerdictSpan): boolean {
  return attributes.some(({ key }) => key === 'db.system.name' || key === 'db.system')
}

/** `POST /api/checkout` is this checkout; what has no such name is called by its own. */
function subjectOf({ name }: VerdictSpan): string {
  const word = /^POST \S*\/(?<word>[a-z][a-z-]*[a-rt-z])$/.exec(name)?.groups?.['word']
  return word === undefined ? clipped(name) : `this ${word}`
}

/** Whole per cent; not 100 for less than all, and not 0 for something. */
function percent(ratio: number): string {
  return `${Math.max(1, Math.min(ratio === 1 ? 100 : 99, Math.round(ratio * 100)))} %`
}

/** What makes the slow ones slow, in one sentence or two. */
export function differenceSentence({ slow, usual, parts, structure }: PopulationDifference): string {
  const moreUs = slow.meanUs - usual.meanUs
  const main = parts.find(({ slowUs, usualUs }) => slowUs > usualUs)
  const compared = `The slowest ${slow.count === 1 ? 'one takes' : `${slow.count} take`} ${duration(slow.meanUs / 1_000)} where the usual takes ${duration(usual.meanUs / 1_000)}`
  const because =
    main === undefined || moreUs <= 0 ? '' : `: ${percent((main.slowUs - main.usualUs) / moreUs)} of the difference is ${partName(main)}`
  // What they lack has rarely made them slow: they went another way, or ended early.
  const changed = structure.find(({ kind }) => kind !== 'missing')
  return `${compared}${because}.${changed === undefined ? '' : ` ${STRUCTURE[changed.kind](changed)}`}`
}

const STRUCTURE: Readonly<Record<StructureDifference['kind'], (difference: StructureDifference) => string>> = {
  new: ({ service, name }) => `In slow traces alone ${service} calls ${clipped(name)}.`,
  missing: ({ service, name }) => `In slow traces ${service} does not call ${clipped(name)}.`,
  retried: ({ service, name, slowCount, usualCount }) =>
    `In slow traces ${service} calls ${clipped(name)} ${times(slowCount)} instead of ${times(usualCount)}, because attempts fail.`,
  repeated: ({ service, name, slowCount, usualCount }) =>
    `In slow traces ${service} calls ${clipped(name)} ${times(slowCount)} instead of ${times(usualCount)}.`,
}

function times(count: number): string {
  const rounded = Math.round(count * 10) / 10
  return rounded === 1 ? 'once' : `${rounded} times`
}

/** Who spends time on what, in a few words. */
function partName({ cause, service, peer }: PartDifference): string {
  switch (cause) {
    case 'code':
      return `${service} waiting in its own code`
    case 'cpu':
      return `${service} computing`
    case 'blocked-loop':
      return `the blocked event loop of ${service}`
    case 'pool-wait':
      return `${service} waiting for a database connection`
    case 'lock-wait':
      return `${service} waiting for a lock`
    case 'query':
      return `${service} waiting for its database's work`
    case 'network':
      return `the network between ${service} and ${peer ?? 'whom it calls'}`
    case 'queue':
      return `messages waiting for ${service}`
    case 'admission':
      return `${service} holding calls back`
    case 'downstream':
      return `${service} waiting for ${peer ?? 'somebody who sends no spans'}`
    case 'unexplained':
      return `time in ${service} that nobody recorded`
  }
}
