import type { NoParams, Page } from '../page.ts'

export const system: Page<'system', NoParams> = {
  page: 'system',
  addresses: ['/', '/system'],
  link: { title: 'System', key: 's', params: {} },
  read: () => ({}),
  url: () => '/system',
  load: async () => (await import('./page.tsx')).SystemPage,
}
