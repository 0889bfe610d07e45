import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { isNarrow } from '../../state/narrow.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { NARROW_ROW, WIDE_ROW, signAt, timeX } from '../../view-model/row-layout.ts'
import { partAt, signText, spanText } from '../../view-model/row-picture.ts'
import { rowWindow, scrollToRow } from '../../view-model/row-window.ts'
import { RowCanvas } from './row-canvas.tsx'
import { SpanRow } from './span-row.tsx'
import { TimeAxis } from './time-axis.tsx'
import { waterfallKey } from './waterfall-keys.ts'

/**
 * A trace as a tree beside its bars. A tree by the ARIA pattern, with one place in the tab order: the active row is named by
 * `aria-activedescendant`, because rows out of sight are not in the document. All but names is drawn on one canvas, which scrolls with the rows.
 */
export function Waterfall({ view, onOpen }: { view: TraceView; onOpen: (spanId: string | undefined) => void }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const shownRows = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const scrollTop = useSignal(0)
  const height = useSignal(800)
  const geometry = useComputed(() => (isNarrow.value ? NARROW_ROW : WIDE_ROW))
  const inSight = useComputed(() => {
    const { rowHeight } = geometry.value
    return rowWindow({ scrollTop: scrollTop.value, height: height.value, rowHeight, count: view.rows.value.length })
  })
  // Numbers: while a scroll stays within the window they are the same ones, and nothing is rendered.
  const first = useComputed(() => inSight.value.first).value
  const end = useComputed(() => inSight.value.end).value
  const { rowHeight } = geometry.value
  const rows = view.rows.value
  const shown = useMemo(() => rows.slice(first, end), [rows, first, end])
  const activeId = view.activeId.value
  const activeIndex = view.activeIndex.value

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => (height.value = element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  // The tree takes the keyboard when the page opens, unless somebody is typing elsewhere.
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement === null) scroller.current?.focus({ preventScroll: true })
  }, [])
  useSignalEffect(() => {
    const index = view.activeIndex.value
    const element = scroller.current
    if (index < 0 || element === null) return
    const heights = { height: element.clientHeight, rowHeight: geometry.value.rowHeight }
    const top = scrollToRow({ index, scrollTop: element.scrollTop, ...heights })
    if (top !== undefined) element.scrollTop = top
  })

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (waterfallKey(event.key, view, onOpen)) event.preventDefault()
  }
  /** What is below the pointer: rows are drawn, and told by their places. */
  const pointed = (event: MouseEvent) => {
    const box = shownRows.current!.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    const node = shown[Math.floor(y / rowHeight)]
    if (node === undefined) return undefined
    const { barY, nameY, isBesideNames } = geometry.value
    const isOnName = isBesideNames ? x < view.size.value.namePx : y % rowHeight < nameY * 2
    const sign = isOnName ? signAt(x, node.depth * view.indentPx.value) : undefined
    return { node, sign, isOnName, timeX: x - timeX(geometry.value, view.size.value), isBelowBar: y % rowHeight > barY + 6 }
  }
  const onClick = (event: MouseEvent): void => {
    const at = pointed(event)
    if (at === undefined) return
    const { spanId } = at.node.span
    view.activeId.value = spanId
    if (at.sign === 'chevron' && at.node.children.length > 0) view.toggle(spanId)
    else onOpen(spanId)
  }
  const onMouseMove = (event: MouseEvent): void => {
    const at = pointed(event)
    const element = shownRows.current
    if (at === undefined || element === null) return
    const { node, sign, isOnName, timeX: x, isBelowBar } = at
    const isCollapsed = view.collapsed.value.has(node.span.spanId)
    const text =
      sign !== undefined
        ? signText(node, sign, isCollapsed)
        : isOnName
          ? spanText(node)
          : partAt(node, view.pictureOf(node), { x, isBelowBar })
    if (element.title !== (text ?? '')) element.title = text ?? ''
    element.classList.toggle('on-chevron', sign === 'chevron' && node.children.length > 0)
  }

  return (
    <div class="waterfall">
      <TimeAxis view={view} />
      <div
        ref={scroller}
        class="rows"
        role="tree"
        aria-label="Spans"
        tabIndex={0}
        aria-activedescendant={activeIndex < 0 ? undefined : `span-${activeId}`}
        onKeyDown={onKeyDown}
        onFocus={() => (view.activeId.value ??= rows[0]?.span.spanId)}
        onScroll={(event) => (scrollTop.value = event.currentTarget.scrollTop)}
      >
        <div class="rows-height" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
          <div
            ref={shownRows}
            class="rows-window"
            role="presentation"
            style={{ transform: `translateY(${first * rowHeight}px)` }}
            onClick={onClick}
            onMouseMove={onMouseMove}
          >
            {/* Without keys: each row's elements are used again for the span that comes to its place. */}
            {shown.map((node) => (
              <SpanRow
                node={node}
                view={view}
                isActive={node.span.spanId === activeId}
                isOpen={node.span.spanId === view.openId.value}
                isCollapsed={view.collapsed.value.has(node.span.spanId)}
              />
            ))}
            <RowCanvas view={view} rows={shown} geometry={geometry.value} canvas={canvas} />
          </div>
        </div>
      </div>
    </div>
  )
}
