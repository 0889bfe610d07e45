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
  }

  /** What has been read; undefined while that is nothing. */
  trace(): Trace | undefined {
    const [part] = this.#parts
    if (part === undefined) return undefined
    let firstNs = Number.POSITIVE_INFINITY
    for (const { startNs } of this.#parts) for (const ns of startNs) firstNs = Math.min(firstNs, ns)
    const spans: Span[] = []
    let durationUs = 0
    for (const part of this.#parts) {
      for (const span of this.#spansOf(part, firstNs)) {
        spans.push(span)
        durationUs = Math.max(durationUs, span.endUs)
      }
    }
    return { startMs: epochMs({ seconds: part.baseSeconds + Math.floor(firstNs / 1e9), nanos: modulo(firstNs, 1e9) }), durationUs, spans }
  }

  #spansOf(part: OutlinePart, firstNs: number): readonly Span[] {
    const failures = new Map(part.failures)
    const events = new Map<number, Span['events'][number][]>()
    for (const [span, startNs, set] of part.stretches) {
      const of = events.get(span) ?? []
      events.set(span, of)
      of.push({ name: loopStretch.event, atUs: (startNs - firstNs) / 1_000, attributes: this.#sets[set]! })
    }
    return part.ids.map((spanId, index) => {
      const startNs = part.startNs[index]!
      const failure = failures.get(index)
      const { service, instance } = this.#processes[part.of[index]!]!
      return spanOf({
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
    })
  }
}

const NO_EVENTS: readonly never[] = []

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
