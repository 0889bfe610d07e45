import { type Page, withQuery } from '../page.ts'

export interface LogFilter {
  /** Words that all stand in a record. */
  readonly text: string
  readonly service: string
  /** At least as bad. */
  readonly level: '' | (typeof LOG_LEVELS)[number]
  readonly traceId: string
  readonly spanId: string
  readonly correlationId: string
}

interface LogsParams {
  readonly filter: LogFilter
  /** The record that is looked at. */
  readonly log: number | undefined
}

export const LOG_LEVELS = ['info', 'warn', 'error'] as const
export const ALL_LOGS: LogFilter = { text: '', service: '', level: '', traceId: '', spanId: '', correlationId: '' }

export const logs: Page<'logs', LogsParams> = {
  page: 'logs',
  addresses: ['/logs'],
  link: { title: 'Logs', key: 'o', params: { filter: ALL_LOGS, log: undefined } },
  read({ query }) {
    const text = (name: string) => query.get(name) ?? ''
    const level = LOG_LEVELS.find((known) => known === query.get('level')) ?? ''
    const ids = { traceId: text('traceId'), spanId: text('spanId'), correlationId: text('correlationId') }
    const log = Number(query.get('log') ?? Number.NaN)
    return { filter: { text: text('q'), service: text('service'), level, ...ids }, log: Number.isInteger(log) ? log : undefined }
  },
  url({ filter, log }) {
    const query = new URLSearchParams(logQuery(filter))
    if (log !== undefined) query.set('log', String(log))
    return withQuery('/logs', query)
  },
  load: async () => (await import('./page.tsx')).LogsPage,
}

/** A search as both the page's address and the console's API have it. */
export function logQuery({ text, ...filter }: LogFilter): [name: string, value: string][] {
  return Object.entries({ q: text, ...filter }).filter(([, value]) => value !== '')
}
