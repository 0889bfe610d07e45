import { type Page, withQuery } from '../page.ts'

interface SlowParams {
  readonly operation: { readonly service: string; readonly name: string } | undefined
}

export const slow: Page<'slow', SlowParams> = {
  page: 'slow',
  addresses: ['/slow'],
  link: { title: 'Why slow?', key: 'y', params: { operation: undefined } },
  read({ query }) {
    const [service, name] = [query.get('service'), query.get('name')]
    return { operation: service === null || name === null ? undefined : { service, name } }
  },
  url: ({ operation }) => withQuery('/slow', new URLSearchParams(operation && { ...operation })),
  load: async () => (await import('./page.tsx')).SlowPage,
}
