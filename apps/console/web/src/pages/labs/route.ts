import type { Page } from '../page.ts'

interface LabsParams {
  readonly run: { readonly lab: string; readonly run: string } | undefined
}

const NAME = /^[\w-]+$/

export const labs: Page<'labs', LabsParams> = {
  page: 'labs',
  addresses: ['/labs', '/labs/:lab/:run'],
  link: { title: 'Labs', key: 'l', params: { run: undefined } },
  read({ at: { lab, run } }) {
    if (lab === undefined || run === undefined) return { run: undefined }
    return NAME.test(lab) && NAME.test(run) ? { run: { lab, run } } : undefined
  },
  url: ({ run }) => (run === undefined ? '/labs' : `/labs/${run.lab}/${run.run}`),
  load: async () => (await import('./page.tsx')).LabsPage,
}
