import { signal } from '@preact/signals'
import { type PageRoute, type Route, parseRoute, routeUrl } from '../pages/registry.ts'

/** The page that is shown. */
export const route = signal<Route>(parseRoute(window.location))

export function startLocation(): void {
  window.addEventListener('popstate', () => (route.value = parseRoute(window.location)))
}

/** Goes to a page; `replace` leaves no step behind in the browser's history. */
export function navigate(to: PageRoute, options: { replace?: boolean } = {}): void {
  const url = routeUrl(to)
  if (options.replace === true) window.history.replaceState(null, '', url)
  else window.history.pushState(null, '', url)
  route.value = to
}

/** Follows a link without loading the page again; with a modifier key the browser opens a tab as ever. */
export function follow(event: MouseEvent, to: PageRoute): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  navigate(to)
}
