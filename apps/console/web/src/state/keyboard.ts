import { isHelpOpen } from './help.ts'
import { navigate } from './location.ts'
import { ALL_LOGS, ALL_SAGAS, NO_FILTER, WHOLE_MAP } from '../view-model/route.ts'

/** How long after `g` the second key may come. */
const SEQUENCE_MS = 1_000

/** Keys that act on every page. What a page handles itself does not come here. */
export function startKeyboard(): void {
  let goAtMs = Number.NEGATIVE_INFINITY
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (event.key === '?') {
      isHelpOpen.value = !isHelpOpen.value
      event.preventDefault()
      return
    }
    if (isHelpOpen.value) return
    if (event.timeStamp - goAtMs < SEQUENCE_MS) {
      if (event.key === 's') navigate({ page: 'system' })
      if (event.key === 'm') navigate({ page: 'messages', letter: undefined })
      if (event.key === 'a') navigate({ page: 'sagas', filter: ALL_SAGAS })
      if (event.key === 'r') navigate({ page: 'resilience' })
      if (event.key === 'o') navigate({ page: 'logs', filter: ALL_LOGS, log: undefined })
      if (event.key === 'p') navigate({ page: 'map', view: WHOLE_MAP })
      if (event.key === 'l') navigate({ page: 'labs', run: undefined })
      if (event.key === 'y') navigate({ page: 'slow', operation: undefined })
      if (event.key === 't') navigate({ page: 'traces', filter: NO_FILTER })
    }
    goAtMs = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY
    if (event.key === '/') {
      const search = document.querySelector<HTMLInputElement>('#trace-search, #log-search')
      // At once where it is there: what is typed next is meant for it.
      if (search !== null) search.focus()
      else {
        navigate({ page: 'traces', filter: NO_FILTER })
        requestAnimationFrame(() => document.querySelector<HTMLInputElement>('#trace-search')?.focus())
      }
      event.preventDefault()
    }
  })
}

/** Whether keys are for a field. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName))
}
