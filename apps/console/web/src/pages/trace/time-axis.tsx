import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { isNarrow } from '../../state/narrow.ts'
import type { TraceView } from '../../state/trace-view.ts'

/** Pixels that a drag must cover before it means a part of the time. */
const DRAG_PX_MIN = 4

/** The head of the waterfall: names on the left, time on the right. A drag over the time zooms in; a double click shows all again. */
export function TimeAxis({ view }: { view: TraceView }): JSX.Element {
  const track = useRef<HTMLDivElement>(null)
  const name = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const measure = (): void => {
      const timePx = track.current?.clientWidth ?? 0
      const namePx = isNarrow.value ? timePx : (name.current?.getBoundingClientRect().width ?? 0)
      view.size.value = { namePx, timePx }
    }
    const observer = new ResizeObserver(measure)
    observer.observe(track.current!)
    return () => observer.disconnect()
  }, [view])
  const drag = useSignal<{ from: number; to: number } | undefined>(undefined)
  const at = (event: PointerEvent): number => {
    const box = track.current!.getBoundingClientRect()
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width))
  }
  const finish = (): void => {
    const current = drag.value
    drag.value = undefined
    if (current === undefined || track.current === null) return
    const from = Math.min(current.from, current.to)
    const to = Math.max(current.from, current.to)
    if ((to - from) * track.current.clientWidth < DRAG_PX_MIN) return
    const { startUs, endUs } = view.view.value
    view.zoom({ startUs: startUs + from * (endUs - startUs), endUs: startUs + to * (endUs - startUs) })
  }
  const current = drag.value
  return (
    <div class="axis">
      <div ref={name} class={`axis-name ${view.isZoomed.value ? 'zoomed' : ''}`}>
        <span class="truncate">Service and operation</span>
        {view.isZoomed.value && (
          <button type="button" class="link" title="Esc, or a double click on the time" onClick={() => view.zoom(undefined)}>
            Whole trace
          </button>
        )}
      </div>
      <div
        ref={track}
        class="axis-track"
        title="Drag to zoom in"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          drag.value = { from: at(event), to: at(event) }
        }}
        onPointerMove={(event) => {
          if (drag.value !== undefined) drag.value = { ...drag.value, to: at(event) }
        }}
        onPointerUp={finish}
        onPointerCancel={() => (drag.value = undefined)}
        onDblClick={() => view.zoom(undefined)}
      >
        {view.ticks.value.map((tick) => (
          <span key={tick.atUs} class={`tick ${tick.side === 'left' ? 'at-end' : ''}`} style={{ left: `${tick.at * 100}%` }}>
            {tick.side !== undefined && tick.label}
          </span>
        ))}
        {current !== undefined && (
          <span
            class="drag"
            style={{ left: `${Math.min(current.from, current.to) * 100}%`, width: `${Math.abs(current.to - current.from) * 100}%` }}
          />
        )}
      </div>
    </div>
  )
}
