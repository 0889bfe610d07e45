import { computed, signal } from '@preact/signals'
import { type TraceVerdict, traceVerdict } from 'seaworthy/trace-analysis'
import { type Span, type Trace, readTrace } from '../../../src/otlp/read-trace.ts'
import { type WaterfallSize, depthOf, indentPx, tickCount } from '../view-model/row-layout.ts'
import { pathView } from '../view-model/path-view.ts'
import { type Viewport, labelledTicks, timeTicks } from '../view-model/time-axis.ts'
import { traceFacts } from '../view-model/trace-facts.ts'
import { type SpanNode, buildTree } from '../view-model/trace-tree.ts'
import { reveal, visibleRows } from '../view-model/tree-rows.ts'
import { spansToLookAt } from '../view-model/verdict-view.ts'
import { ApiError, fetchTrace } from './api.ts'
import { lastTraceId } from './last-trace.ts'
import { onTraces } from './live.ts'

export type TraceState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'missing'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'loaded'; readonly trace: Trace; readonly roots: readonly SpanNode[] }

/** Spans of one trace arrive from several processes within moments of each other. */
const REFRESH_MS = 300
/** A verdict on more spans may take longer than a frame: the trace is shown first. */
const AT_ONCE_SPANS_MAX = 1_000

/** One trace, and how it is looked at. */
export class TraceView {
  readonly traceId: string
  readonly state = signal<TraceState>({ kind: 'loading' })
  readonly collapsed = signal<ReadonlySet<string>>(new Set())
  /** The row that the keyboard acts on. */
  readonly activeId = signal<string | undefined>(undefined)
  /** The span whose details are shown. */
  readonly openId = signal<string | undefined>(undefined)
  readonly size = signal<WaterfallSize>({ namePx: 400, timePx: 800 })
  readonly #zoom = signal<Viewport | undefined>(undefined)
  readonly #ending = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lookedAt: string | undefined
  #judging: ReturnType<typeof setTimeout> | undefined

  readonly roots = computed(() => (this.state.value.kind === 'loaded' ? this.state.value.roots : []))
  readonly rows = computed(() => visibleRows(this.roots.value, this.collapsed.value))
  /** Where the active row is; -1 while none is. Looked for when one of them changes, and not in each frame of a scroll. */
  readonly activeIndex = computed(() => {
    const id = this.activeId.value
    return id === undefined ? -1 : this.rows.value.findIndex(({ span }) => span.spanId === id)
  })
  readonly facts = computed(() =>
    this.state.value.kind === 'loaded' ? traceFacts(this.state.value.trace, this.state.value.roots) : undefined,
  )
  /** Where the time went; of a large trace a moment after it is shown. */
  readonly verdict = signal<TraceVerdict<Span> | undefined>(undefined)
  readonly path = computed(() => pathView(this.roots.value))
  readonly nodes = computed(() => new Map(visibleRows(this.roots.value, new Set()).map((node) => [node.span.spanId, node])))
  readonly durationUs = computed(() => (this.state.value.kind === 'loaded' ? this.state.value.trace.durationUs : 0))
  readonly view = computed<Viewport>(() => this.#zoom.value ?? { startUs: 0, endUs: this.durationUs.value })
  readonly ticks = computed(() => labelledTicks(timeTicks(this.view.value, tickCount(this.size.value.timePx)), this.size.value.timePx))
  readonly indentPx = computed(() => indentPx(depthOf(this.rows.value), this.size.value.namePx))
  readonly isZoomed = computed(() => this.#zoom.value !== undefined)

  constructor(traceId: string) {
    this.traceId = traceId
  }

  start(): () => void {
    lastTraceId.value = this.traceId
    void this.refresh()
    const stop = onTraces((traceIds) => {
      if (traceIds.size > 0 && !traceIds.has(this.traceId)) return
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        void this.refresh()
      }, REFRESH_MS)
    })
    return () => {
      stop()
      clearTimeout(this.#timer)
      clearTimeout(this.#judging)
      this.#ending.abort()
    }
  }

  async refresh(): Promise<void> {
    try {
      const trace = readTrace(await fetchTrace(this.traceId, this.#ending.signal))
      if (trace === undefined) {
        this.state.value = { kind: 'missing', why: 'The trace has no spans.' }
        return
      }
      this.state.value = { kind: 'loaded', trace, roots: buildTree(trace.spans) }
      this.#judge(trace)
    } catch (error) {
      if (this.#ending.signal.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      // What is shown stays: the console may be away for a moment only.
      if (this.state.value.kind !== 'loaded')
        this.state.value = { kind: error instanceof ApiError && error.status === 404 ? 'missing' : 'failed', why }
    }
  }

  #judge({ spans }: Trace): void {
    clearTimeout(this.#judging)
    const judge = (): void => void (this.verdict.value = traceVerdict(spans))
    if (spans.length <= AT_ONCE_SPANS_MAX) judge()
    else this.#judging = setTimeout(judge, REFRESH_MS)
  }

  zoom(view: Viewport | undefined): void {
    this.#zoom.value = view
  }

  /** Makes a span the active one and opens what hides it. */
  reveal(spanId: string): void {
    const node = this.nodes.value.get(spanId)
    if (node === undefined) return
    this.collapsed.value = reveal(node, this.collapsed.value)
    this.activeId.value = spanId
  }

  /** The span of the critical path that took next longest after the active one; the longest again after the last. */
  nextOnPath(): string | undefined {
    const spans = this.path.value?.spans ?? []
    const at = spans.findIndex(({ spanId }) => spanId === this.activeId.value)
    return spans[(at + 1) % spans.length]?.spanId
  }

  /** The span that most of the time went to; asked again, where the last answer still is the active one, the next. */
  nextCause(): string | undefined {
    const spans = this.verdict.value === undefined ? [] : spansToLookAt(this.verdict.value)
    const at = this.#lookedAt === this.activeId.value ? spans.indexOf(this.#lookedAt ?? '') : -1
    return (this.#lookedAt = spans[(at + 1) % spans.length])
  }

  /** The next span below the active one that failed or was rejected, whether that was made good or not; from the top again after the last. */
  nextError(): string | undefined {
    const all = [...this.nodes.value.values()]
    const from = all.findIndex(({ span }) => span.spanId === this.activeId.value)
    const order = [...all.slice(from + 1), ...all.slice(0, from + 1)]
    return order.find(({ span, retried }) => span.error !== undefined && retried !== 'part')?.span.spanId
  }
}
