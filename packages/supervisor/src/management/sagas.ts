import { type Clock, InvalidInputError, NotFoundError, systemClock } from 'seaworthy/core'
import {
  type Orchestrator,
  type Saga,
  type SagaCursor,
  type SagaState,
  type SagaStore,
  type SagaSummary,
  type StepHistory,
  type StoredSaga,
  sagaChoices,
  sagaOutline,
  stepHistories,
  versionOf,
} from 'seaworthy/saga'
import type { Answer } from './answering.ts'
import type { SagaDetails, SagaPage, SagaQuestions, ShownStep } from './saga-questions.ts'

export interface SagaManagementOptions {
  /** Every version that the orchestrator has. */
  readonly sagas: readonly Saga<never>[]
  readonly store: SagaStore
  readonly orchestrator: Pick<Orchestrator, 'retry' | 'skip' | 'abort'>
  /** JSON as text, without what must not be seen. */
  readonly redacted: (value: unknown) => string
  /** Default: the system's. */
  readonly clock?: Clock
}

const STATES: readonly SagaState[] = ['running', 'waiting', 'compensating', 'parked', 'completed', 'compensated']
const PAGE_SIZE = 50
/** Counting goes no further: a page that is looked at must not read a million rows every two seconds. */
const COUNT_MAX = 10_000
/** Steps of one answer, and the bytes that it takes in a line of the control socket, about. */
const STEPS_MAX = 300
const ANSWER_LENGTH_MAX = 512 * 1024
const INPUT_LENGTH_MAX = 64 * 1024
const RESULT_LENGTH_MAX = 2_000
const TEXT_LENGTH_MAX = 1_000

type Answers = {
  readonly [Name in keyof SagaQuestions]: (
    parameters: SagaQuestions[Name]['parameters'],
    by: string | undefined,
  ) => Promise<SagaQuestions[Name]['answer']>
}

/** Answers for the sagas of one process, and does what a person decides about one: the decision and what it changes are one transaction of the store. */
export function sagaAnswers(options: SagaManagementOptions): Readonly<Record<keyof SagaQuestions, Answer>> {
  const { store, orchestrator, redacted, clock = systemClock } = options
  const declared = new Map(options.sagas.map((saga) => [versionOf({ saga: saga.name, version: saga.version }), saga]))

  async function list({ state, saga, before }: SagaPage): Promise<SagaQuestions['sagas']['answer']> {
    if (state !== undefined && !STATES.includes(state)) throw invalid('state', `must be one of ${STATES.join(', ')}`)
    if (saga !== undefined && !isText(saga)) throw invalid('saga', 'must be the name of a saga')
    if (before !== undefined && !isCursor(before)) throw invalid('before', 'must be a place in the list')
    const query = { nowMs: clock.now(), ...(saga !== undefined && { saga }) }
    const of = state === undefined ? STATES : [state]
    // Waited for together: a failure that nobody waits for yet would end the process.
    const [pages, counts] = await Promise.all([
      Promise.all(of.map((each) => store.page({ ...query, state: each, max: PAGE_SIZE + 1, ...(before && { before }) }))),
      Promise.all(STATES.map(async (each) => [each, await store.count({ ...query, state: each, max: COUNT_MAX })] as const)),
    ])
    const found = newestOf(pages.flat())
    return {
      sagas: found.slice(0, PAGE_SIZE),
      isMore: found.length > PAGE_SIZE,
      counts: Object.fromEntries(counts) as Readonly<Record<SagaState, number>>,
      countMax: COUNT_MAX,
      definitions: options.sagas.map(({ name, version }) => ({ name, version })),
    }
  }

  async function show(id: unknown, after: unknown = 0): Promise<SagaDetails> {
    if (!isText(id)) throw invalid('id', 'must be the id of a saga')
    if (!Number.isSafeInteger(after) || (after as number) < 0) throw invalid('after', 'must be the number of a step')
    return details(await found(id), after as number)
  }

  async function found(id: string): Promise<StoredSaga> {
    const stored = await store.load(id)
    if (stored !== undefined) return stored
    throw new NotFoundError(`There is no saga ${id} here. It was never started, or is over for so long that it was forgotten.`)
  }

  function details(stored: StoredSaga, after: number): SagaDetails {
    const { record, journal, prunedAtMs = null } = stored
    const { input, context, reason = null, parent = null, ...facts } = record
    const saga = declared.get(versionOf(record))
    const all = stepHistories(journal)
    const steps: ShownStep[] = []
    let length = 0
    for (const step of all.slice(after, after + STEPS_MAX)) {
      const shown = shownStep(step)
      length += JSON.stringify(shown).length
      if (length > ANSWER_LENGTH_MAX && steps.length > 0) break
      steps.push(shown)
    }
    const text = redacted(input)
    return {
      ...facts,
      reason,
      parent,
      prunedAtMs,
      correlationId: context.correlationId,
      traceId: traceIdOf(context.traceparent),
      input: text.slice(0, INPUT_LENGTH_MAX),
      isInputCut: text.length > INPUT_LENGTH_MAX,
      outline: saga === undefined ? null : sagaOutline(saga),
      steps,
      isMore: after + steps.length < all.length,
      decisions: journal.filter((entry) => entry.kind === 'by-hand').map(({ kind: _kind, ...decision }) => decision),
      choices: sagaChoices(saga, stored),
    }
  }

  function shownStep({ step, state, attempts, result }: StepHistory): ShownStep {
    const text = result === undefined ? null : redacted(result)
    return {
      step,
      state,
      attempts,
      result: text !== null && text.length > RESULT_LENGTH_MAX ? `${text.slice(0, RESULT_LENGTH_MAX)}…` : text,
    }
  }

  async function change(
    parameters: SagaQuestions['change-saga']['parameters'],
    by: string | undefined,
  ): Promise<SagaQuestions['change-saga']['answer']> {
    const { id, action, note } = parameters
    if (!isText(id)) throw invalid('id', 'must be the id of a saga')
    if (!isText(note)) throw invalid('note', `must say why, in at most ${TEXT_LENGTH_MAX} characters`)
    const hand = { actor: by ?? 'somebody', note }
    switch (action) {
      case 'retry':
        await orchestrator.retry(id, hand)
        break
      case 'abort':
        await orchestrator.abort(id, hand)
        break
      case 'skip': {
        const { step, result } = parameters
        if (!isText(step)) throw invalid('step', 'must be the step that the saga was parked for')
        await orchestrator.skip(id, { step, result }, hand)
        break
      }
      default:
        throw invalid('action', 'must be retry, skip or abort')
    }
    // How it stands now: it goes on at once.
    return { id, status: (await found(id)).record.status }
  }

  const answers: Answers = {
    sagas: (page) => list(page),
    saga: ({ id, after }) => show(id, after),
    'change-saga': (parameters, by) => change(parameters, by),
  }
  // What comes over the channel is checked where it is used.
  return answers as unknown as Readonly<Record<keyof SagaQuestions, Answer>>
}

/** The newest of several pages first. One that moved from state to state between two looks is there once. */
function newestOf(sagas: readonly SagaSummary[]): readonly SagaSummary[] {
  const byId = new Map(sagas.map((saga) => [saga.id, saga]))
  return [...byId.values()].toSorted((one, other) => other.startedAtMs - one.startedAtMs || (one.id < other.id ? 1 : -1))
}

/** The trace of whoever started it, by W3C Trace Context. */
function traceIdOf(traceparent: string | undefined): string | null {
  return /^[0-9a-f]{2}-(?<id>[0-9a-f]{32})-/.exec(traceparent ?? '')?.groups?.['id'] ?? null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= TEXT_LENGTH_MAX
}

function isCursor(value: unknown): value is SagaCursor {
  const { startedAtMs, id } = (typeof value === 'object' && value !== null ? value : {}) as Partial<SagaCursor>
  return Number.isFinite(startedAtMs) && isText(id)
}

function invalid(field: string, message: string): InvalidInputError {
  return new InvalidInputError(`${field} ${message}.`, [{ field, message }])
}
