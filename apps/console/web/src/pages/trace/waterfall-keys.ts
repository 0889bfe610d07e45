import type { TraceView } from '../../state/trace-view.ts'
import { viewAround } from '../../view-model/time-axis.ts'
import { treeKey } from '../../view-model/tree-rows.ts'

/** Does what a key means in the waterfall. `onOpen` shows the details of a span, or of none. @returns whether it means something */
export function waterfallKey(key: string, view: TraceView, onOpen: (spanId: string | undefined) => void): boolean {
  const activeId = view.activeId.value
  const openId = view.openId.value
  const moved = treeKey(key, { rows: view.rows.value, activeId, collapsed: view.collapsed.value })
  if (moved !== undefined) {
    view.collapsed.value = moved.collapsed
    view.activeId.value = moved.activeId
    // Details follow the keyboard once they are open.
    if (openId !== undefined && moved.activeId !== openId) onOpen(moved.activeId)
    return true
  }
  const goTo = (spanId: string | undefined): true => {
    if (spanId === undefined) return true
    view.reveal(spanId)
    if (openId !== undefined) onOpen(spanId)
    return true
  }
  switch (key) {
    case 'Enter':
    case ' ':
      onOpen(openId === activeId ? undefined : activeId)
      return true
    case 'Escape':
      if (openId !== undefined) onOpen(undefined)
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
