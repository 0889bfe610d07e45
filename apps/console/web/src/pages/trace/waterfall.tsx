import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { isNarrow } from '../../state/narrow.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { NARROW_ROW, WIDE_ROW, signAt, timeX } from '../../view-model/row-layout.ts'
import { partAt, signText, spanText } from '../../view-model/row-picture.ts'
import { BLOCK_ROWS, blockWindow, scrollToRow, scrollWithRows } from '../../view-model/row-window.ts'
import { RowBlock } from './row-block.tsx'
import { TimeAxis } from './time-axis.tsx'
import { waterfallKey } from './waterfall-keys.ts'

/**
 * A trace as a tree beside its bars. A tree by the ARIA pattern, with one place in the tab order: the active row is named by
 * `aria-activedescendant`, because rows out of sight are not in the document. All but names is drawn on canvases, which scroll with the rows; rows come and go
 * by blocks, so that a scroll renders those that come and no others.
 */
export function Waterfall({ view, onOpen }: { view: TraceView; onOpen: (spanId: string | undefined) => void }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const all = useRef<HTMLDivElement>(null)
  const scrollTop = useSignal(0)
  const height = useSignal(800)
  const geometry = useComputed(() => (isNarrow.value ? NARROW_ROW : WIDE_ROW))
  const blocks = useComputed(() => {
    const { rowHeight } = geometry.value
    return blockWindow({ scrollTop: scrollTop.value, height: height.value, rowHeight, count: view.rows.value.length })
  })
  // Numbers: while a scroll stays within the window they are the same ones, and nothing is rendered.
  const first = useComputed(() => blocks.value.first).value
  const end = useComputed(() => blocks.value.end).value
  const { rowHeight } = geometry.value
  const rows = view.rows.value
  const keyOf = useBlockKeys(first, end - first)
  const activeId = view.activeId.value
  const activeIndex = view.activeIndex.value

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => (height.value = element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const { roots } = view
  const before = useRef({ roots: roots.value, rows })
  useLayoutEffect(() => {
    const { roots: rootsBefore, rows: rowsBefore } = before.current
    before.current = { roots: roots.value, rows }
    if (rootsBefore === roots.value) return
    const top = scrollWithRows({ before: rowsBefore, after: rows, scrollTop: scrollTop.value, rowHeight })
    if (top !== undefined) scroller.current!.scrollTop = scrollTop.value = top
  }, [rows])
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
    const box = all.current!.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    const node = rows[Math.floor(y / rowHeight)]
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
    const element = all.current
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
        <div
          ref={all}
          class="rows-all"
          role="presentation"
          style={{ height: `${rows.length * rowHeight}px` }}
          onClick={onClick}
          onMouseMove={onMouseMove}
        >
          {Array.from({ length: end - first }, (_, index) => first + index).map((block) => (
            <RowBlock
              key={keyOf(block)}
              view={view}
              first={block * BLOCK_ROWS}
              geometry={geometry.value}
              activeId={Math.floor(activeIndex / BLOCK_ROWS) === block ? activeId : undefined}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

/**
 * Keys of blocks, with which the elements of those that go are used again for those that come. Where some stay they keep their elements, and those of the
 * others move around them; where most are others, no element moves, which would cost more than what is in it.
 */
function useBlockKeys(first: number, count: number): (block: number) => number {
  const ring = useRef({ first, turned: 0 })
  const { current } = ring
  const step = first - current.first
  if (Math.abs(step) <= count / 3) current.turned += step
  current.first = first
  const { turned } = current
  return (block) => (((block - first + turned) % count) + count) % count
}
