import { type Page, withQuery } from '../page.ts'

interface SagaName {
  readonly service: string
  readonly id: string
}

export const saga: Page<'saga', SagaName> = {
  page: 'saga',
  addresses: ['/saga'],
  within: 'sagas',
  read({ query }) {
    const [service, id] = [query.get('service'), query.get('id')]
    return service === null || id === null ? undefined : { service, id }
  },
  url: ({ service, id }) => withQuery('/saga', new URLSearchParams({ service, id })),
  identity: ({ service, id }) => `${service} ${id}`,
  load: async () => (await import('./page.tsx')).SagaPage,
}
