import { type Page, withQuery } from '../page.ts'
import { type CallName, callName } from '../traces/route.ts'

/** What the map shows. */
export interface MapView {
  readonly minutes: number
  /** Databases and topics too. */
  readonly showsStores: boolean
  readonly edge: CallName | undefined
}

export const MAP_MINUTES = [5, 15, 60] as const
export const WHOLE_MAP: MapView = { minutes: 15, showsStores: true, edge: undefined }

export const map: Page<'map', { readonly view: MapView }> = {
  page: 'map',
  addresses: ['/map'],
  link: { title: 'Map', key: 'p', params: { view: WHOLE_MAP } },
  read({ query }) {
    const minutes = MAP_MINUTES.find((choice) => String(choice) === query.get('minutes')) ?? WHOLE_MAP.minutes
    return { view: { minutes, showsStores: query.get('stores') !== 'hide', edge: callName(query) } }
  },
  url({ view: { minutes, showsStores, edge } }) {
    const query = new URLSearchParams(edge && { ...edge })
    if (minutes !== WHOLE_MAP.minutes) query.set('minutes', String(minutes))
    if (!showsStores) query.set('stores', 'hide')
    return withQuery('/map', query)
  },
  load: async () => (await import('./page.tsx')).MapPage,
}
