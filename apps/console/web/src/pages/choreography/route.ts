import type { NoParams, Page } from '../page.ts'

export const choreography: Page<'choreography', NoParams> = {
  page: 'choreography',
  addresses: ['/choreography'],
  within: 'sagas',
  read: () => ({}),
  url: () => '/choreography',
  load: async () => (await import('./page.tsx')).ChoreographyPage,
}
