import { isHelpOpen } from './help.ts'
import { navigate } from './location.ts'
import { LINKS } from '../pages/registry.ts'
import { NO_FILTER } from '../pages/traces/route.ts'

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
      const to = LINKS.find(({ key }) => key === event.key)?.to
      if (to !== undefined) navigate(to)
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
