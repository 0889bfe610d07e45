import { type VerdictSpan, traceVerdict } from 'seaworthy/trace-analysis'

/** A span as a test describes it; times and stretches in milliseconds. */
export interface SpanSpec {
  readonly id: string
  readonly service?: string
  readonly name?: string
  readonly kind?: VerdictSpan['kind']
  readonly from: number
  readonly to: number
  readonly facts?: Readonly<Record<string, string | number>>
  readonly stretches?: readonly { readonly at: number; readonly ms: number; readonly cpuMs: number; readonly own?: boolean }[]
  readonly error?: string
  readonly children?: readonly SpanSpec[]
}

export function spansOf(...roots: readonly SpanSpec[]): VerdictSpan[] {
  const spans: VerdictSpan[] = []
  const add = (spec: SpanSpec, parent: SpanSpec | undefined, inherited: string): void => {
    const service = spec.service ?? inherited
    const kind = spec.kind ?? 'internal'
    spans.push({
      spanId: spec.id,
      parentSpanId: parent?.id,
      name: spec.name ?? spec.id,
      kind,
      service,
      startUs: spec.from * 1_000,
      endUs: spec.to * 1_000,
      isAsynchronous: kind === 'consumer',
      error: spec.error,
      attributes: Object.entries(spec.facts ?? {}).map(([key, value]) => ({ key, value: String(value) })),
      events: (spec.stretches ?? []).map(({ at, ms, cpuMs, own }) => ({
        name: 'seaworthy.loop.stretch',
        atUs: at * 1_000,
        attributes: [
          { key: 'ms', value: String(ms) },
          { key: 'cpu_ms', value: String(cpuMs) },
          ...(own === undefined ? [] : [{ key: 'own', value: String(own) }]),
        ],
      })),
    })
    for (const child of spec.children ?? []) add(child, spec, service)
  }
  for (const root of roots) add(root, undefined, 'orders')
  return spans
}

/** The parts of what was asked about, in milliseconds. */
export function partsOf(...roots: readonly SpanSpec[]): Record<string, number> {
  return inMs(traceVerdict(spansOf(...roots))!.answer.parts)
}

export function inMs(parts: readonly { readonly cause: string; readonly us: number }[]): Record<string, number> {
  return Object.fromEntries(parts.map(({ cause, us }) => [cause, us / 1_000]))
}

/** An entry span that knows all about its process; `facts` say what it did. */
export const entry = (spec: Omit<SpanSpec, 'kind'>): SpanSpec => ({
  kind: 'server',
  ...spec,
  facts: { 'seaworthy.time.cpu_ms': 0, 'seaworthy.time.loop_active_ms': 0, 'seaworthy.time.loop_blocked_ms': 0, ...spec.facts },
})

/** A call of another service: the network takes `networkMs` each way. */
export function call(spec: { id: string; to: SpanSpec; networkMs: number; error?: string }): SpanSpec {
  const { id, to, networkMs, error } = spec
  return { id, kind: 'client', from: to.from - networkMs, to: to.to + networkMs, children: [to], ...(error !== undefined && { error }) }
}

export const query = (spec: Omit<SpanSpec, 'kind'>): SpanSpec => ({
  kind: 'client',
  ...spec,
  facts: { 'db.system.name': 'postgresql', ...spec.facts },
})
