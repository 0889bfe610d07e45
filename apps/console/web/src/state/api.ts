import type { DeadLetterDetails, RequeueAnswer, RequeueParameters, SagaChange, SagaDetails } from '@seaworthy/supervisor/management'
import type { Fault, LabReport } from '@seaworthy/supervisor'
import type {
  EdgeState,
  ImportAnswer,
  LabsState,
  LogsPage,
  MapState,
  MessagesState,
  OperationAnswer,
  OperationsAnswer,
  ResilienceState,
  SagasState,
  SystemState,
  TracePage,
} from '../../../src/http/answers.ts'
import type { OtlpTrace } from '../../../src/otlp/read-trace.ts'
import type { Choreography } from 'seaworthy/system'
import type { CallName, TraceFilter } from '../pages/traces/route.ts'
import { type LogFilter, logQuery } from '../pages/logs/route.ts'
import type { SagaFilter } from '../pages/sagas/route.ts'

/** The console answered that it cannot, or did not answer. */
export class ApiError extends Error {
  readonly status: number | undefined

  constructor(message: string, status: number | undefined) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

/** @throws ApiError */
export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask(path, { headers: { accept: 'application/json' } }, signal)
}

/** @throws ApiError when nobody answers */
export async function request(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(path, { ...init, ...(signal !== undefined && { signal }) })
  } catch {
    signal?.throwIfAborted()
    throw new ApiError('The console does not answer. Is it running?', undefined)
  }
}

/** @throws ApiError */
async function ask<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  return answerOf(await request(path, init, signal))
}

/** @throws ApiError when it is an error, or no JSON */
export async function answerOf<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => undefined)) as unknown
  if (response.ok && body !== undefined) return body as T
  const detail = (body as { detail?: string } | undefined)?.detail
  throw new ApiError(detail ?? `The console answered ${response.status}.`, response.status)
}

const TRACES_PAGE = 100
const JSON_HEADERS = { accept: 'application/json', 'content-type': 'application/json' }

/** @throws ApiError */
export function post<T>(path: string, body: object): Promise<T> {
  return ask(path, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify(body) })
}

export function fetchSystem(): Promise<SystemState> {
  return get('/api/services')
}

export function fetchTraces(filter: TraceFilter, options: { before?: string; signal?: AbortSignal } = {}): Promise<TracePage> {
  const query = new URLSearchParams({ limit: String(TRACES_PAGE) })
  if (filter.text !== '') query.set('q', filter.text)
  if (filter.service !== '') query.set('service', filter.service)
  if (filter.outcome !== '') query.set('outcome', filter.outcome)
  if (!filter.showsBackground) query.set('background', 'hide')
  if (filter.minDurationMs > 0) query.set('minDurationMs', String(filter.minDurationMs))
  if (filter.call !== undefined) {
    query.set('caller', filter.call.caller)
    query.set('callee', filter.call.callee)
  }
  if (options.before !== undefined) query.set('before', options.before)
  return get(`/api/traces?${query}`, options.signal)
}

/** A trace in which there is one of its spans alone. */
export function fetchSpan(traceId: string, spanId: string, signal: AbortSignal): Promise<OtlpTrace> {
  return get(`/api/traces/${traceId}/spans/${encodeURIComponent(spanId)}`, signal)
}

export function fetchOperations(signal: AbortSignal): Promise<OperationsAnswer> {
  return get('/api/operations', signal)
}

export function fetchOperation({ service, name }: { service: string; name: string }, signal: AbortSignal): Promise<OperationAnswer> {
  return get(`/api/operation?${new URLSearchParams({ service, name })}`, signal)
}

export function importTraces(file: Blob): Promise<ImportAnswer> {
  return ask('/api/import', { method: 'POST', headers: JSON_HEADERS, body: file })
}

export function fetchMessages(signal: AbortSignal): Promise<MessagesState> {
  return get('/api/messages', signal)
}

export function fetchResilience(signal: AbortSignal): Promise<ResilienceState> {
  return get('/api/resilience', signal)
}

export function injectFault(service: string, fault: Fault): Promise<unknown> {
  return post('/api/faults', { service, fault })
}

export function fetchMap(minutes: number, signal: AbortSignal): Promise<MapState> {
  return get(`/api/map?minutes=${minutes}`, signal)
}

export function fetchEdge({ caller, callee }: CallName, minutes: number, signal: AbortSignal): Promise<EdgeState> {
  return get(`/api/map/edge?${new URLSearchParams({ caller, callee, minutes: String(minutes) })}`, signal)
}

export function fetchSagas({ state, saga, before }: SagaFilter, signal: AbortSignal): Promise<SagasState> {
  const query = new URLSearchParams(Object.entries({ state, saga, before }).filter(([, value]) => value !== ''))
  return get(`/api/sagas?${query}`, signal)
}

export function fetchSaga(service: string, id: string, signal: AbortSignal): Promise<SagaDetails> {
  return get(`/api/saga?${new URLSearchParams({ service, id })}`, signal)
}

export function changeSaga(service: string, change: SagaChange): Promise<unknown> {
  return post('/api/saga/change', { service, ...change })
}

export function fetchLogs(filter: LogFilter, options: { before?: string; signal?: AbortSignal } = {}): Promise<LogsPage> {
  const query = new URLSearchParams(logQuery(filter))
  if (options.before !== undefined) query.set('before', options.before)
  return get(`/api/logs?${query}`, options.signal)
}

export function fetchChoreography(signal: AbortSignal): Promise<Choreography> {
  return get('/api/choreography', signal)
}

export function fetchLabs(signal: AbortSignal): Promise<LabsState> {
  return get('/api/labs', signal)
}

export function fetchLabReport({ lab, run }: { lab: string; run: string }, signal: AbortSignal): Promise<LabReport> {
  return get(`/api/labs/${encodeURIComponent(lab)}/${encodeURIComponent(run)}`, signal)
}

export function fetchDeadLetter(service: string, id: string, signal: AbortSignal): Promise<DeadLetterDetails> {
  return get(`/api/dead-letter?${new URLSearchParams({ service, id })}`, signal)
}

export function requeueDeadLetters(service: string, parameters: RequeueParameters): Promise<RequeueAnswer> {
  return post('/api/dead-letters/requeue', { service, ...parameters })
}
