import type { SagaState } from 'seaworthy/saga'
import type { Outcome } from '../../../src/otlp/outcome.ts'

/** A page of the console, with what its address says. */
export type Route =
  | { readonly page: 'system' }
  | { readonly page: 'messages'; readonly letter: { readonly service: string; readonly id: string } | undefined }
  | { readonly page: 'resilience' }
  | { readonly page: 'map'; readonly view: MapView }
  | { readonly page: 'sagas'; readonly filter: SagaFilter }
  | { readonly page: 'saga'; readonly service: string; readonly id: string }
  | { readonly page: 'choreography' }
  | { readonly page: 'logs'; readonly filter: LogFilter; readonly log: number | undefined }
  | { readonly page: 'labs'; readonly run: { readonly lab: string; readonly run: string } | undefined }
  | { readonly page: 'slow'; readonly operation: { readonly service: string; readonly name: string } | undefined }
  | { readonly page: 'traces'; readonly filter: TraceFilter }
  | { readonly page: 'trace'; readonly traceId: string; readonly spanId: string | undefined }
  | { readonly page: 'unknown'; readonly path: string }

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

export const LOG_LEVELS = ['info', 'warn', 'error'] as const
export const ALL_LOGS: LogFilter = { text: '', service: '', level: '', traceId: '', spanId: '', correlationId: '' }

/** What the map shows. */
export interface MapView {
  readonly minutes: number
  /** Databases and topics too. */
  readonly showsStores: boolean
  readonly edge: CallName | undefined
}

export const MAP_MINUTES = [5, 15, 60] as const
export const WHOLE_MAP: MapView = { minutes: 15, showsStores: true, edge: undefined }
export interface SagaFilter {
  readonly state: '' | SagaState
  /** Of this name alone. */
  readonly saga: string
  /** Where the page begins: behind this one. */
  readonly before: string
}

export const SAGA_STATES: readonly SagaState[] = ['parked', 'compensating', 'running', 'waiting', 'completed', 'compensated']

export const ALL_SAGAS: SagaFilter = { state: '', saga: '', before: '' }

const OUTCOMES: readonly Outcome[] = ['ok', 'rejected', 'failed']

export const NO_FILTER: TraceFilter = { text: '', service: '', outcome: '', minDurationMs: 0, showsBackground: false, call: undefined }

export function parseRoute(url: { readonly pathname: string; readonly search: string }): Route {
  const query = new URLSearchParams(url.search)
  const path = url.pathname.replace(/\/+$/, '')
  if (path === '' || path === '/system') return { page: 'system' }
  if (path === '/resilience') return { page: 'resilience' }
  const labs = /^\/labs(?:\/(?<lab>[\w-]+)\/(?<run>[\w-]+))?$/.exec(path)
  if (labs !== null) {
    const { lab, run } = labs.groups ?? {}
    return { page: 'labs', run: lab === undefined || run === undefined ? undefined : { lab, run } }
  }
  if (path === '/messages') {
    const [service, id] = [query.get('service'), query.get('letter')]
    return { page: 'messages', letter: service === null || id === null ? undefined : { service, id } }
  }
  if (path === '/slow') {
    const [service, name] = [query.get('service'), query.get('name')]
    return { page: 'slow', operation: service === null || name === null ? undefined : { service, name } }
  }
  if (path === '/logs') {
    const text = (name: string) => query.get(name) ?? ''
    const level = LOG_LEVELS.find((known) => known === query.get('level')) ?? ''
    const ids = { traceId: text('traceId'), spanId: text('spanId'), correlationId: text('correlationId') }
    const log = Number(query.get('log') ?? Number.NaN)
    return {
      page: 'logs',
      filter: { text: text('q'), service: text('service'), level, ...ids },
      log: Number.isInteger(log) ? log : undefined,
    }
  }
  if (path === '/map') {
    const minutes = MAP_MINUTES.find((choice) => String(choice) === query.get('minutes')) ?? WHOLE_MAP.minutes
    return { page: 'map', view: { minutes, showsStores: query.get('stores') !== 'hide', edge: callName(query) } }
  }
  if (path === '/sagas') {
    const state = SAGA_STATES.find((known) => known === query.get('state')) ?? ''
    return { page: 'sagas', filter: { state, saga: query.get('saga') ?? '', before: query.get('before') ?? '' } }
  }
  if (path === '/saga') {
    const [service, id] = [query.get('service'), query.get('id')]
    return service === null || id === null ? { page: 'sagas', filter: ALL_SAGAS } : { page: 'saga', service, id }
  }
  if (path === '/choreography') return { page: 'choreography' }
  if (path === '/traces') {
    const minDurationMs = Number(query.get('min') ?? 0)
    return {
      page: 'traces',
      filter: {
        text: query.get('q') ?? '',
        service: query.get('service') ?? '',
        outcome: OUTCOMES.find((outcome) => outcome === query.get('outcome')) ?? '',
        minDurationMs: minDurationMs > 0 && Number.isFinite(minDurationMs) ? minDurationMs : 0,
        showsBackground: query.get('background') === 'show',
        call: callName(query),
      },
    }
  }
  const traceId = /^\/traces\/(?<id>[0-9a-f]{32})$/i.exec(path)?.groups?.['id']
  if (traceId === undefined) return { page: 'unknown', path: url.pathname }
  return { page: 'trace', traceId: traceId.toLowerCase(), spanId: query.get('span') ?? undefined }
}

function callName(query: URLSearchParams): CallName | undefined {
  const [caller, callee] = [query.get('caller'), query.get('callee')]
  return caller === null || callee === null ? undefined : { caller, callee }
}

/** A search as both the page's address and the console's API have it. */
export function logQuery({ text, ...filter }: LogFilter): [name: string, value: string][] {
  return Object.entries({ q: text, ...filter }).filter(([, value]) => value !== '')
}

export function routeUrl(route: Exclude<Route, { page: 'unknown' }>): string {
  switch (route.page) {
    case 'system':
      return '/system'
    case 'resilience':
      return '/resilience'
    case 'labs':
      return route.run === undefined ? '/labs' : `/labs/${route.run.lab}/${route.run.run}`
    case 'messages':
      return route.letter === undefined
        ? '/messages'
        : `/messages?${new URLSearchParams({ service: route.letter.service, letter: route.letter.id })}`
    case 'slow':
      return route.operation === undefined ? '/slow' : `/slow?${new URLSearchParams(route.operation)}`
    case 'logs': {
      const query = new URLSearchParams(logQuery(route.filter))
      if (route.log !== undefined) query.set('log', String(route.log))
      return query.size === 0 ? '/logs' : `/logs?${query}`
    }
    case 'map': {
      const { minutes, showsStores, edge } = route.view
      const query = new URLSearchParams(edge && { ...edge })
      if (minutes !== WHOLE_MAP.minutes) query.set('minutes', String(minutes))
      if (!showsStores) query.set('stores', 'hide')
      return query.size === 0 ? '/map' : `/map?${query}`
    }
    case 'sagas': {
      const query = new URLSearchParams(Object.entries(route.filter).filter(([, value]) => value !== ''))
      return query.size === 0 ? '/sagas' : `/sagas?${query}`
    }
    case 'saga':
      return `/saga?${new URLSearchParams({ service: route.service, id: route.id })}`
    case 'choreography':
      return '/choreography'
    case 'traces': {
      const { text, service, outcome, minDurationMs, showsBackground, call } = route.filter
      const query = new URLSearchParams(call && { ...call })
      if (text !== '') query.set('q', text)
      if (service !== '') query.set('service', service)
      if (outcome !== '') query.set('outcome', outcome)
      if (minDurationMs > 0) query.set('min', String(minDurationMs))
      if (showsBackground) query.set('background', 'show')
      return query.size === 0 ? '/traces' : `/traces?${query}`
    }
    case 'trace':
      return `/traces/${route.traceId}${route.spanId === undefined ? '' : `?span=${encodeURIComponent(route.spanId)}`}`
  }
}
