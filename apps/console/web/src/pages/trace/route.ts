import { type Page, withQuery } from '../page.ts'

interface TraceParams {
  readonly traceId: string
  /** The span that is looked at. */
  readonly spanId: string | undefined
}

export const trace: Page<'trace', TraceParams> = {
  page: 'trace',
  addresses: ['/traces/:traceId'],
  within: 'traces',
  read({ at: { traceId = '' }, query }) {
    if (!/^[0-9a-f]{32}$/i.test(traceId)) return undefined
    return { traceId: traceId.toLowerCase(), spanId: query.get('span') ?? undefined }
  },
  url: ({ traceId, spanId }) => withQuery(`/traces/${traceId}`, new URLSearchParams(spanId === undefined ? {} : { span: spanId })),
  identity: ({ traceId }) => traceId,
  load: async () => (await import('./page.tsx')).TracePage,
}
