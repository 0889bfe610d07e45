import type { SagaChange, SagaDetails } from '@seaworthy/supervisor/management'
import { NotFoundError, RejectedError } from 'seaworthy/core'
import {
  type JournalEntry,
  type Saga,
  type SagaRecord,
  type SagaState,
  saga,
  sagaChoices,
  sagaOutline,
  stepHistories,
} from 'seaworthy/saga'
import type { ListedSaga, SagaFilter, Sagas, SagasView } from '../src/system/sagas.ts'

export const LONG_ID = `order-${'with-an-id-that-somebody-made-of-far-too-many-words-'.repeat(4)}17`
export const TRACE = '5'.repeat(32)
const nothing = async () => undefined

const checkout = saga<{ orderId: string }>('checkout', { version: 1 })
  .step('reserve stock', { run: nothing, compensate: nothing })
  .step('charge', { run: nothing, compensate: nothing })
  .pivot('book shipment', { run: nothing })

/** Has everything that can be declared. */
const trip = saga<{ gift: boolean; rooms: readonly string[] }>('book a whole trip', { version: 3 })
  .parallel('seats', {
    there: (branch) => branch.step('flight there', { run: nothing, compensate: nothing }),
    back: (branch) =>
      branch
        .step('flight back', { run: nothing, compensate: nothing })
        .step('reserve a seat by the window', { run: nothing, compensation: 'not-needed' }),
  })
  .forEach('rooms', { items: (s) => s.input.rooms, concurrencyMax: 2 }, (room) =>
    room.step('book room', { run: nothing, compensate: nothing }),
  )
  .when(
    'is a gift',
    (s) => s.input.gift,
    (steps) => steps.step('wrap', { run: nothing, compensate: nothing }),
  )
  .waitFor('paid', { event: { type: 'payment.received' } as never, timeoutMs: 86_400_000 })
  .child('insurance', { saga: checkout, input: () => ({ orderId: 'x' }), compensate: nothing })
  .pivot('confirm', { run: nothing })
  .sleep('until the day before', { ms: 86_400_000 })
  .step('send the tickets', { run: nothing, forward: true })

type Step = readonly [step: string, kind: JournalEntry['kind'], afterMs: number, more?: object]

function journalOf(startMs: number, steps: readonly Step[]): readonly JournalEntry[] {
  const attempts = new Map<string, number>()
  return steps.map(([step, kind, afterMs, more]) => {
    const name = `${kind} ${step}`
    attempts.set(name, (attempts.get(name) ?? 0) + 1)
    return {
      step,
      kind,
      attempt: attempts.get(name),
      result: null,
      executed: 'no',
      error: '',
      atMs: startMs + afterMs,
      ...more,
    } as JournalEntry
  })
}

interface Given {
  readonly service: string
  readonly saga: Saga<never>
  readonly record: SagaRecord
  readonly state: SagaState
  readonly journal: readonly JournalEntry[]
}

function given(
  id: string,
  fields: { ageMs: number; state: SagaState; saga?: Saga<never>; service?: string; reason?: string; steps: readonly Step[] },
): Given {
  const { ageMs, state, saga: of = checkout, service = 'orders', reason, steps } = fields
  const startedAtMs = Date.now() - ageMs
  const journal = journalOf(startedAtMs, steps)
  return {
    service,
    saga: of,
    state,
    journal,
    record: {
      id,
      saga: of.name,
      version: of.version,
      status: state === 'waiting' ? 'running' : state,
      input: {
        orderId: id,
        customerId: 'c-17',
        card: '[redacted]',
        lines: [{ productId: 'p-1', quantity: 2, priceCents: 12_900 }],
        totalCents: 25_800,
      },
      context: { correlationId: `c-of-${id.slice(0, 40)}`, traceparent: `00-${TRACE}-${'7'.repeat(16)}-01` },
      reason,
      startedAtMs,
      updatedAtMs: journal.at(-1)?.atMs ?? startedAtMs,
    },
  }
}

const RESERVED: readonly Step[] = [
  ['reserve stock', 'started', 0],
  ['reserve stock', 'done', 8, { result: { reservation: 'r-1' } }],
]
const CHARGED: readonly Step[] = [...RESERVED, ['charge', 'started', 9], ['charge', 'done', 31, { result: { paymentId: 'pay-1' } }]]
const LATE = 'timeout: payments.Charge did not answer within 1000 ms, and nobody knows whether the money was taken.'

/** A checkout that could not be undone, with everything that a person decided about it. */
const PARKED: readonly Step[] = [
  ...RESERVED,
  ['charge', 'started', 9],
  ['charge', 'failed', 1_012, { executed: 'maybe', error: LATE }],
  ['charge', 'started', 1_120],
  ['charge', 'failed', 2_124, { executed: 'maybe', error: LATE }],
  ['charge', 'started', 2_330],
  ['charge', 'done', 2_390, { result: { paymentId: 'pay-1' } }],
  ['book shipment', 'started', 2_391],
  ['book shipment', 'failed', 2_420, { error: 'no-such-address: Nobody delivers there.' }],
  ['charge', 'compensation-started', 2_424],
  ['charge', 'compensation-failed', 2_440, { error: 'refund-refused: The bank refuses the refund: the account was closed.' }],
  ['', 'by-hand', 62_000, { action: 'retry', actor: 'ada (console)', note: 'The bank says that the account is open again.' }],
  ['charge', 'compensation-started', 62_010],
  ['charge', 'compensation-failed', 62_035, { error: 'refund-refused: The bank refuses the refund: the account was closed.' }],
]

const TRIP: readonly Step[] = [
  ['flight there', 'started', 0],
  ['flight back', 'started', 1],
  ['flight there', 'done', 140],
  ['flight back', 'failed', 180, { error: 'unavailable: The airline takes no bookings right now.' }],
  ['flight back', 'started', 420],
  ['flight back', 'done', 560],
  ['reserve a seat by the window', 'started', 561],
  ['reserve a seat by the window', 'done', 590],
  ['rooms', 'done', 591, { result: ['Rome', 'Naples', 'Bari'] }],
  ['book room[0]', 'started', 592],
  ['book room[1]', 'started', 593],
  ['book room[0]', 'done', 700],
  ['book room[1]', 'done', 760],
  ['book room[2]', 'started', 761],
  ['book room[2]', 'done', 900],
  ['is a gift', 'done', 901, { result: false }],
  ['paid', 'waiting', 902, { untilMs: Date.now() + 80_000_000 }],
]

/** Sagas of every kind. */
export function mixedSagas(): readonly Given[] {
  const day = 86_400_000
  return [
    given('order-7', { ageMs: 65_000, state: 'parked', reason: 'no-such-address', steps: PARKED }),
    given('trip-1', { ageMs: 3_600_000, state: 'waiting', saga: trip, service: 'travel', steps: TRIP }),
    given('order-9', { ageMs: 900, state: 'running', steps: [...RESERVED, ['charge', 'started', 9]] }),
    given('order-8', {
      ageMs: 30_000,
      state: 'compensating',
      reason: 'card-declined',
      steps: [
        ...RESERVED,
        ['charge', 'started', 9],
        ['charge', 'failed', 40, { error: 'card-declined: no' }],
        ['reserve stock', 'compensation-started', 41],
      ],
    }),
    given(LONG_ID, {
      ageMs: 2 * day,
      state: 'completed',
      steps: [...CHARGED, ['book shipment', 'started', 32], ['book shipment', 'done', 50]],
    }),
    given('order-2', {
      ageMs: 3 * day,
      state: 'compensated',
      reason: 'out-of-stock',
      steps: [
        ['reserve stock', 'started', 0],
        ['reserve stock', 'failed', 7, { error: 'out-of-stock: There are 3 left, and 5 are asked for.' }],
      ],
    }),
  ]
}

/** What the services of a test say of their sagas, and what was asked of them. */
export function fakeSagas(sagas: readonly Given[], silent: SagasView['silent'] = []) {
  const changes: (readonly [service: string, change: SagaChange])[] = []
  const decisions = new Map<string, SagaDetails['decisions']>()
  const list = async ({ state, saga: name, before }: SagaFilter): Promise<SagasView> => {
    const named = sagas.filter(({ record }) => name === undefined || record.saga === name)
    const found = named.filter((each) => state === undefined || each.state === state).map(listed)
    const newest = found.toSorted((one, other) => other.startedAtMs - one.startedAtMs)
    const behind = newest.filter((each) => before === undefined || each.startedAtMs < before.startedAtMs)
    const counts = { running: 0, waiting: 0, compensating: 0, parked: 0, completed: 0, compensated: 0 }
    for (const each of named) counts[each.state]++
    const last = behind[49]
    return {
      sagas: behind.slice(0, 50),
      ...(behind.length > 50 && last !== undefined && { nextBefore: `${last.startedAtMs}-${last.id}` }),
      counts,
      countMax: 10_000,
      definitions: [
        { service: 'orders', name: 'checkout', version: 1 },
        { service: 'travel', name: trip.name, version: 3 },
      ],
      silent,
    }
  }
  const fake: Sagas = {
    list,
    async saga(service, id) {
      const found = sagas.find((each) => each.service === service && each.record.id === id)
      if (found === undefined)
        throw new NotFoundError(`There is no saga ${id} here. It was never started, or is over for so long that it was forgotten.`)
      const details = detailsOf(found)
      return { ...details, decisions: [...details.decisions, ...(decisions.get(id) ?? [])] }
    },
    async change(service, change) {
      changes.push([service, change])
      if (change.note === 'refuse')
        throw new RejectedError('not-parked', `Saga ${change.id} is running: there is nothing to be tried again by hand.`)
      const { id, action, note } = change
      const step = change.action === 'skip' ? change.step : ''
      decisions.set(id, [...(decisions.get(id) ?? []), { action, step, actor: 'ada (console)', note, atMs: Date.now() }])
      return { id, status: 'running' }
    },
  }
  return { sagas: fake, changes }
}

function listed({ service, state, record }: Given): ListedSaga {
  const { input: _input, context, ...rest } = record
  return {
    ...rest,
    service,
    state,
    correlationId: context.correlationId,
    ...(state === 'waiting' && { wakeAtMs: Date.now() + 80_000_000 }),
  }
}

function detailsOf({ saga: of, record, journal }: Given): SagaDetails {
  const { input, context, reason = null, parent = null, ...facts } = record
  return {
    ...facts,
    reason,
    parent,
    prunedAtMs: null,
    correlationId: context.correlationId,
    traceId: TRACE,
    input: JSON.stringify(input, null, 2),
    isInputCut: false,
    outline: sagaOutline(of),
    steps: stepHistories(journal).map(({ step, state, attempts, result }) => ({
      step,
      state,
      attempts,
      result: result == null ? null : JSON.stringify(result, null, 2),
    })),
    isMore: false,
    decisions: journal.filter((entry) => entry.kind === 'by-hand').map(({ kind: _kind, ...decision }) => decision),
    choices: sagaChoices(of, { record, journal, token: 1 }),
  }
}
