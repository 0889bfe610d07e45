import { type Page, withQuery } from '../page.ts'

interface MessagesParams {
  /** The dead letter that is looked at. */
  readonly letter: { readonly service: string; readonly id: string } | undefined
}

export const messages: Page<'messages', MessagesParams> = {
  page: 'messages',
  addresses: ['/messages'],
  link: { title: 'Messages', key: 'm', params: { letter: undefined } },
  read({ query }) {
    const [service, id] = [query.get('service'), query.get('letter')]
    return { letter: service === null || id === null ? undefined : { service, id } }
  },
  url: ({ letter }) => withQuery('/messages', new URLSearchParams(letter && { service: letter.service, letter: letter.id })),
  load: async () => (await import('./page.tsx')).MessagesPage,
}
