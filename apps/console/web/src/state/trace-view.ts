import { batch, computed, signal } from '@preact/signals'
import type { TimePart } from 'seaworthy/trace-analysis'
import type { Trace } from '../../../src/otlp/read-trace.ts'
import { type WaterfallSize, depthOf, indentPx, tickCount } from '../view-model/row-layout.ts'
import type { PathView } from '../view-model/path-view.ts'
import { type RowPicture, rowPicture } from '../view-model/row-picture.ts'
import { type Viewport, labelledTicks, timeTicks } from '../view-model/time-axis.ts'
import { traceFacts } from '../view-model/trace-facts.ts'
import { type SpanNode, buildTree } from '../view-model/trace-tree.ts'
import { reveal, visibleRows, without } from '../view-model/tree-rows.ts'
import type { ShownVerdict } from '../view-model/verdict-view.ts'
import { ApiError } from './api.ts'
import { lastTraceId } from './last-trace.ts'
import { onTraces } from './live.ts'
import { type Loading, loading } from './loading.ts'
import { OpenSpan } from './open-span.ts'
import { type Outline, fetchOutline } from './outline.ts'
import { TraceAnalyst } from './trace-analyst.ts'
import { painted } from './turns.ts'

export type TraceState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'missing'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }
  /** `isWhole`: nothing of it is under way any more. */
  | { readonly kind: 'loaded'; readonly trace: Trace; readonly roots: readonly SpanNode[]; readonly isWhole: boolean }

/** Spans of one trace arrive from several processes within moments of each other. */
const REFRESH_MS = 300
/** A small trace waits so long for its verdict at most. */
const VERDICT_WAIT_MS = 100
/** More are shown as soon as the first of them have come, and before it is known why they took so long. */
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
  readonly details: OpenSpan
  readonly size = signal<WaterfallSize>({ namePx: 400, timePx: 800 })
  readonly #zoom = signal<Viewport | undefined>(undefined)
  readonly #ending = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lookedAt: string | undefined
  #version: string | undefined
  #refreshed = Promise.resolve()
  #analyst: TraceAnalyst | undefined

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
  /** What the answer waited for; of a large trace a moment after it is shown, as with where the time went. */
  readonly path = signal<PathView | undefined>(undefined)
  readonly verdict = signal<Loading<ShownVerdict>>({ kind: 'loading' })
  /** Where the time of the open span went; none while that is not known. */
  readonly openParts = signal<{ readonly spanId: string | undefined; readonly parts: readonly TimePart[] }>({
    spanId: undefined,
    parts: [],
  })
  readonly nodes = computed(() => new Map(visibleRows(this.roots.value, new Set()).map((node) => [node.span.spanId, node])))
  readonly spanCount = computed(() => (this.state.value.kind === 'loaded' ? this.state.value.trace.spans.length : 0))
  readonly isWhole = computed(() => this.state.value.kind === 'loaded' && this.state.value.isWhole)
  readonly durationUs = computed(() => (this.state.value.kind === 'loaded' ? this.state.value.trace.durationUs : 0))
  readonly view = computed<Viewport>(() => this.#zoom.value ?? { startUs: 0, endUs: this.durationUs.value })
  readonly ticks = computed(() => labelledTicks(timeTicks(this.view.value, tickCount(this.size.value.timePx)), this.size.value.timePx))
  readonly indentPx = computed(() => indentPx(depthOf(this.rows.value), this.size.value.namePx))
  readonly isZoomed = computed(() => this.#zoom.value !== undefined)

  constructor(traceId: string) {
    this.traceId = traceId
    this.details = new OpenSpan(traceId)
  }

  start(): () => void {
    lastTraceId.value = this.traceId
    this.#analyst = new TraceAnalyst()
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
      this.#analyst?.close()
      this.#ending.abort()
    }
  }

  /** One after another: what comes with the first need not be sent again. */
  refresh(): Promise<void> {
    return (this.#refreshed = this.#refreshed.then(() => this.#refresh()))
  }

  async #refresh(): Promise<void> {
    try {
      const outline = await fetchOutline(this.traceId, {
        version: this.#version,
        signal: this.#ending.signal,
        begun: (trace) => this.#begin(trace),
      })
      if (outline === undefined) return
      const { trace, version } = outline
      if (trace === undefined) {
        this.state.value = { kind: 'missing', why: 'The trace has no spans.' }
        return
      }
      this.#version = version
      await this.#show(trace, outline)
    } catch (error) {
      if (this.#ending.signal.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      // What is shown as a whole stays: the console may be away for a moment only.
      if (!this.isWhole.value) this.state.value = { kind: error instanceof ApiError && error.status === 404 ? 'missing' : 'failed', why }
    }
  }

  /** Shows of a large trace what hangs on its root so far: all else would find another place later. */
  async #begin(trace: Trace): Promise<void> {
    if (this.state.value.kind === 'loaded' || trace.spans.length <= AT_ONCE_SPANS_MAX) return
    const roots = buildTree(trace.spans).filter(({ relation }) => relation === 'root')
    if (roots.length === 0) return
    this.state.value = { kind: 'loaded', trace, roots, isWhole: false }
    await painted()
  }

  async #show(trace: Trace, { lines }: Outline): Promise<void> {
    const judged = this.#judge(lines)
    // So that what stands below a verdict does not move when it comes.
    if (trace.spans.length <= AT_ONCE_SPANS_MAX) {
      await Promise.race([judged, new Promise((resolve) => setTimeout(resolve, VERDICT_WAIT_MS))])
    }
    this.state.value = { kind: 'loaded', trace, roots: buildTree(trace.spans), isWhole: true }
  }

  async #judge(lines: readonly string[]): Promise<void> {
    const judged = await loading(this.#analyst!.judge(lines))
    if (judged.kind === 'loaded') {
      if (judged.value === undefined) return
      const { verdict, path } = judged.value
      batch(() => {
        this.verdict.value = { kind: 'loaded', value: verdict }
        this.path.value = path
      })
    } else this.verdict.value = judged
    await this.#askParts()
  }

  async #askParts(): Promise<void> {
    const spanId = this.openId.value
    if (spanId === undefined || this.verdict.value.kind !== 'loaded') return
    const parts = await this.#analyst?.partsOf(spanId)
    if (this.openId.value === spanId) this.openParts.value = { spanId, parts: parts ?? [] }
  }

  /** Asks for what the details of a span show besides its row. */
  openDetails(spanId: string): void {
    void this.details.show(spanId)
    void this.#askParts()
  }

  zoom(view: Viewport | undefined): void {
    this.#zoom.value = view
  }

  /** What is drawn of a row, as it is looked at now. */
  pictureOf(node: SpanNode): RowPicture {
    const stretches = this.path.value?.stretches.get(node.span.spanId)
    return rowPicture(node, { view: this.view.value, timePx: this.size.value.timePx, stretches })
  }

  /** Shuts a span, or opens it. */
  toggle(spanId: string): void {
    const collapsed = this.collapsed.value
    this.collapsed.value = collapsed.has(spanId) ? without(collapsed, spanId) : new Set([...collapsed, spanId])
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
    const spans = this.verdict.value.kind === 'loaded' ? this.verdict.value.value.spansToLookAt : []
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
