import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { type PageRoute, pageOf } from '../pages/registry.ts'

/** What shows a page, once it is there. */
type View = { readonly kind: 'loaded'; readonly component: (route: PageRoute) => JSX.Element } | { readonly kind: 'failed' }

/** By page. Each is brought when somebody goes there first. */
export const views = signal<ReadonlyMap<string, View>>(new Map())

const asked = new Set<string>()

export async function loadView(route: PageRoute): Promise<void> {
  const { page } = route
  if (asked.has(page)) return
  asked.add(page)
  const view = await pageOf(route)
    .load()
    // Each page takes what its own addresses say.
    .then((component): View => ({ kind: 'loaded', component: component as (route: PageRoute) => JSX.Element }))
    .catch((): View => ({ kind: 'failed' }))
  views.value = new Map([...views.value, [page, view]])
}
