import { askService } from '@seaworthy/supervisor'
import type { SagaChange, SagaDetails, SagaList, ShownStep } from '@seaworthy/supervisor/management'
import { type Clock, SeaworthyError, systemClock } from 'seaworthy/core'
import type { SagaCursor, SagaState, SagaSummary } from 'seaworthy/saga'
import { askingSupervisor, oneOfEach, servicesOf, whoAsks } from './asking.ts'
import type { ProcessEntry, RunState } from './run-file.ts'

/** A saga of the list, with the service that runs it. */
export type ListedSaga = SagaSummary & { readonly service: string }

/** Which sagas are listed. */
export interface SagaFilter {
  readonly state?: SagaState
  /** Of this name alone. */
  readonly saga?: string
  readonly before?: SagaCursor
}

/** Sagas of all services, as `GET /api/sagas` shows them. */
export interface SagasView {
  /** The newest first. */
  readonly sagas: readonly ListedSaga[]
  /** Where the next page begins: hand it back as `before`. Absent on the last page. */
  readonly nextBefore?: string
  readonly counts: Readonly<Record<SagaState, number>>
  /** A count that has come to this means: so many, or more. */
  readonly countMax: number
  readonly definitions: readonly { readonly service: string; readonly name: string; readonly version: number }[]
  /** Services that should have answered. */
  readonly silent: readonly { readonly service: string; readonly problem: string }[]
}

/** What processes say of their sagas, and what people decide about them. */
export interface Sagas {
  list(filter: SagaFilter): Promise<SagasView>
  /** @throws NotFoundError, UnavailableError */
  saga(service: string, id: string): Promise<SagaDetails>
  /** @throws NotFoundError, RejectedError, InvalidInputError, UnavailableError, UnknownOutcomeError */
  change(service: string, change: SagaChange): Promise<{ readonly id: string; readonly status: string }>
}

const ANSWER_TIMEOUT_MS = 6_000
/** The supervisor waits for a minute. */
const CHANGE_TIMEOUT_MS = 70_000
const PAGE_SIZE = 50
/** Parts of one saga's steps that are put together. */
const PARTS_MAX = 10
/** However many pages look at the same list, processes are asked once in this time. */
const SHARED_MS = 500
const LISTS_MAX = 32

const NONE: SagasView['counts'] = { running: 0, waiting: 0, compensating: 0, parked: 0, completed: 0, compensated: 0 }

/** Asks the processes by way of their supervisor's control socket. `run` tells which there are. */
export function supervisedSagas(options: {
  readonly runFile: string | undefined
  readonly run: () => Promise<RunState>
  readonly clock?: Clock
}): Sagas {
  const { runFile, run, clock = systemClock } = options
  const shared = new Map<string, { readonly answer: Promise<SagasView>; readonly askedMs: number }>()
  const asking = (timeoutMs: number) => askingSupervisor(runFile, timeoutMs)

  async function of({ name: service }: ProcessEntry, filter: SagaFilter): Promise<Told> {
    try {
      return { service, list: await askService({ service, question: 'sagas', parameters: filter }, asking(ANSWER_TIMEOUT_MS)) }
    } catch (error) {
      // A process without sagas is none that could be missed here.
      if (error instanceof SeaworthyError && error.code === 'not-found') return { service }
      return { service, problem: error instanceof Error ? error.message : String(error) }
    }
  }

  async function askAll(filter: SagaFilter): Promise<SagasView> {
    const asked = oneOfEach(servicesOf(await run()))
    return together(await Promise.all(asked.map((entry) => of(entry, filter))))
  }

  return {
    list(filter) {
      const name = JSON.stringify(filter)
      for (const [known, { askedMs }] of shared) if (clock.monotonicMs() - askedMs > SHARED_MS) shared.delete(known)
      const before = shared.get(name)
      if (before !== undefined) return before.answer
      const answer = askAll(filter)
      if (shared.size < LISTS_MAX) shared.set(name, { answer, askedMs: clock.monotonicMs() })
      return answer
    },
    async saga(service, id) {
      const steps: ShownStep[] = []
      for (let part = 1; ; part++) {
        const parameters = { id, after: steps.length }
        const answer = await askService({ service, question: 'saga', parameters }, asking(ANSWER_TIMEOUT_MS))
        steps.push(...answer.steps)
        if (!answer.isMore || answer.steps.length === 0 || part === PARTS_MAX) return { ...answer, steps }
      }
    },
    async change(service, change) {
      try {
        return await askService({ service, question: 'change-saga', parameters: change, by: whoAsks() }, asking(CHANGE_TIMEOUT_MS))
      } finally {
        shared.clear()
      }
    },
  }
}

interface Told {
  readonly service: string
  readonly list?: SagaList
  readonly problem?: string
}

/** The lists of all services as one. */
function together(told: readonly Told[]): SagasView {
  const answered = told.flatMap(({ service, list }) => (list === undefined ? [] : [{ service, ...list }]))
  const sagas = answered
    .flatMap(({ service, sagas: own }) => own.map((saga): ListedSaga => ({ ...saga, service })))
    .toSorted((one, other) => other.startedAtMs - one.startedAtMs || (one.id < other.id ? 1 : -1))
  const counts = { ...NONE }
  for (const list of answered) {
    for (const state of Object.keys(counts) as SagaState[]) counts[state] += list.counts[state]
  }
  const page = sagas.slice(0, PAGE_SIZE)
  const isMore = sagas.length > PAGE_SIZE || answered.some((list) => list.isMore)
  const last = page.at(-1)
  return {
    sagas: page,
    ...(isMore && last !== undefined && { nextBefore: `${last.startedAtMs}-${last.id}` }),
    counts,
    countMax: Math.max(0, ...answered.map(({ countMax }) => countMax)),
    definitions: answered.flatMap(({ service, definitions }) => definitions.map((each) => ({ service, ...each }))),
    silent: told.flatMap(({ service, problem }) => (problem === undefined ? [] : [{ service, problem }])),
  }
}
