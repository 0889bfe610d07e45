import type { Outcome } from '../../../../src/otlp/outcome.ts'
import { type Page, withQuery } from '../page.ts'

export interface TraceFilter {
  readonly text: string
  readonly service: string
  readonly outcome: '' | Outcome
  readonly minDurationMs: number
  /** With traces that nobody asked for: polls, projections, timers. */
  readonly showsBackground: boolean
  /** Only traces in which one called the other: places of the map. */
  readonly call: CallName | undefined
}

export interface CallName {
  readonly caller: string
  readonly callee: string
}

const OUTCOMES: readonly Outcome[] = ['ok', 'rejected', 'failed']

export const NO_FILTER: TraceFilter = { text: '', service: '', outcome: '', minDurationMs: 0, showsBackground: false, call: undefined }

export const traces: Page<'traces', { readonly filter: TraceFilter }> = {
  page: 'traces',
  addresses: ['/traces'],
  link: { title: 'Traces', key: 't', params: { filter: NO_FILTER } },
  read({ query }) {
    const minDurationMs = Number(query.get('min') ?? 0)
    return {
      filter: {
        text: query.get('q') ?? '',
        service: query.get('service') ?? '',
        outcome: OUTCOMES.find((outcome) => outcome === query.get('outcome')) ?? '',
        minDurationMs: minDurationMs > 0 && Number.isFinite(minDurationMs) ? minDurationMs : 0,
        showsBackground: query.get('background') === 'show',
        call: callName(query),
      },
    }
  },
  url({ filter: { text, service, outcome, minDurationMs, showsBackground, call } }) {
    const query = new URLSearchParams(call && { ...call })
    if (text !== '') query.set('q', text)
    if (service !== '') query.set('service', service)
    if (outcome !== '') query.set('outcome', outcome)
    if (minDurationMs > 0) query.set('min', String(minDurationMs))
    if (showsBackground) query.set('background', 'show')
    return withQuery('/traces', query)
  },
  load: async () => (await import('./page.tsx')).TracesPage,
}

export function callName(query: URLSearchParams): CallName | undefined {
  const [caller, callee] = [query.get('caller'), query.get('callee')]
  return caller === null || callee === null ? undefined : { caller, callee }
}
