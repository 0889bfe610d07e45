import type { SagaState } from 'seaworthy/saga'
import { type Page, withQuery } from '../page.ts'

export interface SagaFilter {
  readonly state: '' | SagaState
  /** Of this name alone. */
  readonly saga: string
  /** Where the page begins: behind this one. */
  readonly before: string
}

export const SAGA_STATES: readonly SagaState[] = ['parked', 'compensating', 'running', 'waiting', 'completed', 'compensated']

export const ALL_SAGAS: SagaFilter = { state: '', saga: '', before: '' }

export const sagas: Page<'sagas', { readonly filter: SagaFilter }> = {
  page: 'sagas',
  // The address of one saga that does not say of which leads here.
  addresses: ['/sagas', '/saga'],
  link: { title: 'Sagas', key: 'a', params: { filter: ALL_SAGAS } },
  read({ query }) {
    const state = SAGA_STATES.find((known) => known === query.get('state')) ?? ''
    return { filter: { state, saga: query.get('saga') ?? '', before: query.get('before') ?? '' } }
  },
  url: ({ filter }) => withQuery('/sagas', new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ''))),
  load: async () => (await import('./page.tsx')).SagasPage,
}
