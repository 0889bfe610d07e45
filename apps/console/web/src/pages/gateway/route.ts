import { type Page, withQuery } from '../page.ts'

interface GatewayParams {
  /** The route of a gateway that is looked at. */
  readonly open: RouteName | undefined
}

export interface RouteName {
  readonly gateway: string
  readonly route: string
}

export const gateway: Page<'gateway', GatewayParams> = {
  page: 'gateway',
  addresses: ['/gateway'],
  link: { title: 'Gateway', key: 'w', params: { open: undefined } },
  read({ query }) {
    const [name, route] = [query.get('gateway'), query.get('route')]
    return { open: name === null || route === null ? undefined : { gateway: name, route } }
  },
  url: ({ open }) => withQuery('/gateway', new URLSearchParams(open && { ...open })),
  load: async () => (await import('./page.tsx')).GatewayPage,
}
