import { useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { isNarrow } from '../../state/narrow.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { viewAround } from '../../view-model/time-axis.ts'
import { rowWindow, scrollToRow } from '../../view-model/row-window.ts'
import { treeKey, without } from '../../view-model/tree-rows.ts'
import { SpanRow } from './span-row.tsx'
import { TimeAxis } from './time-axis.tsx'

/** Pixels; `--row-height` in waterfall.css is the same. */
const ROW_HEIGHT = 24
/** On a narrow screen, where a bar stands below its name. */
const NARROW_ROW_HEIGHT = 44

/**
 * A trace as a tree beside its bars. A tree by the ARIA pattern, with one place in the tab order: the active row is named by
 * `aria-activedescendant`, because rows out of sight are not in the document.
 */
export function Waterfall({ view, onOpen }: { view: TraceView; onOpen: (spanId: string | undefined) => void }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const scrollTop = useSignal(0)
  const height = useSignal(800)
  const rowHeight = isNarrow.value ? NARROW_ROW_HEIGHT : ROW_HEIGHT
  const rows = view.rows.value
  const { first, end } = rowWindow({ scrollTop: scrollTop.value, height: height.value, rowHeight, count: rows.length })
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
    const heights = { height: element.clientHeight, rowHeight: isNarrow.value ? NARROW_ROW_HEIGHT : ROW_HEIGHT }
    const top = scrollToRow({ index, scrollTop: element.scrollTop, ...heights })
    if (top !== undefined) element.scrollTop = top
  })

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (act(event.key)) event.preventDefault()
  }
  const goTo = (spanId: string | undefined): true => {
    if (spanId === undefined) return true
    view.reveal(spanId)
    if (view.openId.value !== undefined) onOpen(spanId)
    return true
  }
  const act = (key: string): boolean => {
    const moved = treeKey(key, { rows, activeId, collapsed: view.collapsed.value })
    if (moved !== undefined) {
      view.collapsed.value = moved.collapsed
      view.activeId.value = moved.activeId
      // Details follow the keyboard once they are open.
      if (view.openId.value !== undefined && moved.activeId !== view.openId.value) onOpen(moved.activeId)
      return true
    }
    switch (key) {
      case 'Enter':
      case ' ':
        onOpen(view.openId.value === activeId ? undefined : activeId)
        return true
      case 'Escape':
        if (view.openId.value !== undefined) onOpen(undefined)
        else view.zoom(undefined)
        return true
      case 'p':
        return goTo(view.nextOnPath())
      case 'e':
        return goTo(view.nextError())
      case 'w':
        return goTo(view.nextCause())
      case 'z': {
        const active = activeId === undefined ? undefined : view.nodes.value.get(activeId)?.span
        view.zoom(view.isZoomed.value || active === undefined ? undefined : viewAround(active.startUs, active.endUs, view.durationUs.value))
        return true
      }
      default:
        return false
    }
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
          <div class="rows-window" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
            {rows.slice(first, end).map((node) => (
              <SpanRow
                key={node.span.spanId}
                node={node}
                view={view}
                isActive={node.span.spanId === activeId}
                isOpen={node.span.spanId === view.openId.value}
                isCollapsed={view.collapsed.value.has(node.span.spanId)}
                onToggle={() => {
                  const id = node.span.spanId
                  const { collapsed } = view
                  collapsed.value = collapsed.value.has(id) ? without(collapsed.value, id) : new Set([...collapsed.value, id])
                  view.activeId.value = id
                }}
                onOpen={() => {
                  view.activeId.value = node.span.spanId
                  onOpen(node.span.spanId)
                }}
              />
            ))}
          </div>
        </div>
      </div>
    </div>
  )
}
