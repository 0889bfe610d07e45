import type { AttributeText } from './outcome.ts'

/** What of a span tells whether it was an attempt, and of what. */
export interface AttemptSpan {
  readonly spanId: string
  readonly parentSpanId: string | null | undefined
  readonly service: string
  readonly name: string
  readonly kind: number | string
  readonly startUs: number
  readonly endUs: number
  readonly isError: boolean
  /** What was worked on: {@link subjectOf}. */
  readonly subject: string
}

export interface MadeGood {
  /** Failed attempts that were repeated with success. One below another counts with it. */
  readonly attempts: ReadonlySet<string>
  /** These, and all spans below them: what failed there is no longer an error of the trace. */
  readonly spans: ReadonlySet<string>
}

/** Attributes that say what a span worked on. */
export const SUBJECT_ATTRIBUTES = [
  'seaworthy.saga.id',
  'seaworthy.saga.step',
  'seaworthy.saga.phase',
  'seaworthy.idempotency_key',
  'messaging.message.id',
  'url.path',
  'url.full',
]
const NONE: MadeGood = { attempts: new Set(), spans: new Set() }

/** What a span worked on, as text: two spans of one name with different subjects are two pieces of work, not two attempts at one. */
export function subjectOf(attribute: AttributeText): string {
  return SUBJECT_ATTRIBUTES.map((key) => attribute(key) ?? '')
    .join('\n')
    .trim()
}

/**
 * Finds attempts that failed and were repeated with success: the same caller did the same again, after the first had ended. Linear in
 * the number of spans.
 */
export function madeGood(spans: readonly AttemptSpan[]): MadeGood {
  if (!spans.some(({ isError }) => isError)) return NONE
  const children = childrenOf(spans)
  const subject = (span: AttemptSpan): string =>
    span.subject || (children.get(span.spanId)?.find(({ subject }) => subject !== '')?.subject ?? '')
  const lastSuccess = new Map<string, number>()
  const note = (key: string, us: number): void => void lastSuccess.set(key, Math.max(us, lastSuccess.get(key) ?? us))
  for (const span of spans) {
    if (span.isError || !hasParent(span)) continue
    note(workOf(span, subject(span)), span.startUs)
    note(workOf(span, ANY), span.startUs)
  }
  // An attempt that never arrived does not say what it was about: any other that may have been its repetition counts.
  const repeatedUs = (span: AttemptSpan): number => {
    const about = subject(span)
    const keys = about === '' ? [ANY] : [about, '']
    return Math.max(...keys.map((key) => lastSuccess.get(workOf(span, key)) ?? Number.NEGATIVE_INFINITY))
  }
  const repeated = spans.filter((span) => span.isError && hasParent(span) && repeatedUs(span) >= span.endUs)
  const below = new Set<string>()
  for (const attempt of repeated) {
    const pending = [...(children.get(attempt.spanId) ?? [])]
    for (let span = pending.pop(); span !== undefined; span = pending.pop()) {
      if (below.has(span.spanId)) continue
      below.add(span.spanId)
      pending.push(...(children.get(span.spanId) ?? []))
    }
  }
  const attempts = new Set(repeated.flatMap(({ spanId }) => (below.has(spanId) ? [] : spanId)))
  return { attempts, spans: new Set([...attempts, ...below]) }
}

const ANY = '*'

function hasParent({ parentSpanId }: AttemptSpan): boolean {
  return typeof parentSpanId === 'string'
}

function workOf({ parentSpanId, service, name, kind }: AttemptSpan, subject: string): string {
  return [parentSpanId, service, kind, name, subject].join('\n')
}

function childrenOf(spans: readonly AttemptSpan[]): ReadonlyMap<string, readonly AttemptSpan[]> {
  const children = new Map<string, AttemptSpan[]>()
  for (const span of spans) {
    if (typeof span.parentSpanId !== 'string') continue
    const siblings = children.get(span.parentSpanId)
    if (siblings === undefined) children.set(span.parentSpanId, [span])
    else siblings.push(span)
  }
  return children
}
