import type { NoParams, Page } from '../page.ts'

export const resilience: Page<'resilience', NoParams> = {
  page: 'resilience',
  addresses: ['/resilience'],
  link: { title: 'Resilience', key: 'r', params: {} },
  read: () => ({}),
  url: () => '/resilience',
  load: async () => (await import('./page.tsx')).ResiliencePage,
}
