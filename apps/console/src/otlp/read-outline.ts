import { loopStretch } from 'seaworthy/trace-analysis'
import { epochMs } from './moment.ts'
import type { OutlinePart } from './outline.ts'
import { type Attribute, type Span, type Trace, spanOf } from './read-trace.ts'

/** Reads the parts of an outline, in their order, while more of them are under way. */
export class OutlineReader {
  readonly #parts: OutlinePart[] = []
  readonly #strings: string[] = []
  /** Spans with the same attributes share them. */
  readonly #sets: (readonly Attribute[])[] = []
  readonly #processes: Pick<Span, 'service' | 'instance'>[] = []
  /** When the first span of all begins: times count from there. */
  #firstNs = Number.POSITIVE_INFINITY
  /** Of all parts. Undefined once a part has begun before all others: their times have to be read anew. */
  #spans: Span[] | undefined = []

  add(part: OutlinePart): void {
    for (const text of part.strings) this.#strings.push(text)
    for (const set of part.attributeSets) {
      const attributes: Attribute[] = []
      for (let at = 0; at < set.length; at += 2) attributes.push({ key: this.#strings[set[at]!]!, value: this.#strings[set[at + 1]!]! })
      this.#sets.push(attributes)
    }
    for (const [service, instance] of part.processes) {
      this.#processes.push({ service: this.#strings[service]!, instance: this.#strings[instance] })
    }
    this.#parts.push(part)
    const firstNs = part.startNs.reduce((first, ns) => Math.min(first, ns), Number.POSITIVE_INFINITY)
    if (firstNs < this.#firstNs) {
      this.#firstNs = firstNs
      if (this.#parts.length > 1) this.#spans = undefined
    }
    if (this.#spans !== undefined) this.#read(part, this.#spans)
  }

  /** What has been read; undefined while that is nothing. */
  trace(): Trace | undefined {
    const [first] = this.#parts
    if (first === undefined) return undefined
    let spans = this.#spans
    if (spans === undefined) {
      this.#spans = spans = []
      for (const part of this.#parts) this.#read(part, spans)
    }
    const seconds = Math.floor(this.#firstNs / 1e9)
    return {
      startMs: epochMs({ seconds: first.baseSeconds + seconds, nanos: this.#firstNs - seconds * 1e9 }),
      durationUs: spans.reduce((duration, { endUs }) => Math.max(duration, endUs), 0),
      // A copy: others may follow.
      spans: [...spans],
    }
  }

  #read(part: OutlinePart, into: Span[]): void {
    const firstNs = this.#firstNs
    const failures = new Map(part.failures)
    const events = new Map<number, Span['events'][number][]>()
    for (const [span, startNs, set] of part.stretches) {
      const of = events.get(span) ?? []
      events.set(span, of)
      of.push({ name: loopStretch.event, atUs: (startNs - firstNs) / 1_000, attributes: this.#sets[set]! })
    }
    for (const [index, spanId] of part.ids.entries()) {
      const startNs = part.startNs[index]!
      const failure = failures.get(index)
      const { service, instance } = this.#processes[part.of[index]!]!
      const span = spanOf({
        spanId,
        parentSpanId: this.#strings[part.parents[index]!],
        name: this.#strings[part.names[index]!]!,
        kind: part.kinds[index],
        failure: failure === undefined ? undefined : this.#strings[failure],
        service,
        instance,
        startUs: (startNs - firstNs) / 1_000,
        endUs: (startNs + part.lengthNs[index]! - firstNs) / 1_000,
        attributes: this.#sets[part.attributes[index]!]!,
        events: events.get(index) ?? NO_EVENTS,
      })
      into.push(span)
    }
  }
}

const NO_EVENTS: readonly never[] = []
