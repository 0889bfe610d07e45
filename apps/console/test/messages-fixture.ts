import type { DeadLetterSummary, MessagesStatus } from '@seaworthy/supervisor/management'
import { NotFoundError } from 'seaworthy/core'
import type { Messages, ServiceMessages } from '../src/system/messages.ts'

type Consumer = MessagesStatus['consumers'][number]
type Lane = NonNullable<MessagesStatus['outbox']>['topics'][number]

export const LONG_KEY = `order-${'with-a-key-that-somebody-made-of-far-too-many-words-'.repeat(4)}17`
const REASON =
  'ValidationError: The data of event order.completed does not hold: lines[0].priceCents must be a whole number from 0; lines[0].discountCents must not be more than the price. Cause: TypeError: Cannot read properties of undefined'

export function letter(id: string, more: Partial<DeadLetterSummary> = {}): DeadLetterSummary {
  return {
    source: 'consumer:order-history',
    id,
    topic: 'orders',
    key: 'order-1',
    type: 'order.completed',
    sequence: 1,
    kind: 'parked',
    attempts: 10,
    reason: REASON,
    diedAtMs: Date.now() - 65_000,
    position: 1,
    ...more,
  }
}

function consumer(group: string, more: Partial<Consumer> = {}): Consumer {
  return {
    group,
    state: 'running',
    handled: 1_234,
    failedAttempts: 0,
    setAside: 0,
    uncommitted: 0,
    retrying: [],
    lastError: undefined,
    deadLetters: 0,
    parkedKeys: 0,
    parked: [],
    ...more,
  }
}

function lane(topic: string, more: Partial<Lane> = {}): Lane {
  return { topic, state: 'idle', sent: 4_321, failuresInARow: 0, lastError: undefined, ...more }
}

function status(more: Partial<MessagesStatus> = {}): MessagesStatus {
  const groups = [
    { group: 'order-history', lag: 3 },
    { group: 'notifications', lag: 0 },
    { group: 'analytics', lag: 12_345 },
  ]
  const offsets = Array.from({ length: 8 }, (_, partition) => ({ partition, first: 0, next: 540 }))
  return {
    outbox: null,
    publishes: more.outbox === undefined || more.outbox === null ? [] : ['orders'],
    consumers: [],
    queues: [],
    projections: [],
    topics: [
      { topic: 'orders', partitions: 8, records: 4_320, groups, offsets },
      { topic: 'payments', partitions: 8, records: 0, groups: [] },
    ],
    ...more,
  }
}

/** A system in trouble: a relay that is held up, a parked key, a key that is tried again, a full queue, a service that is down. */
export function troubledServices(): readonly ServiceMessages[] {
  const answer = (service: string, of: MessagesStatus, deadLetters: ServiceMessages['deadLetters'] = []): ServiceMessages => ({
    service,
    status: of,
    deadLetters,
    problem: null,
  })
  const held = Array.from({ length: 2 }, (_, at) =>
    letter(`event-${at + 2}`, {
      kind: 'held',
      sequence: at + 2,
      attempts: 0,
      position: at + 2,
      reason: 'Its key is parked behind a message that could not be handled.',
    }),
  )
  const lastError = { message: 'SqliteFullError: the disk is full', atMs: Date.now() }
  return [
    answer(
      'monolith',
      status({
        outbox: {
          state: 'running',
          backlog: { messages: 0, oldestAtMs: undefined },
          topics: [lane('customers')],
          stalls: [],
          lastError: undefined,
        },
      }),
    ),
    answer(
      'orders',
      status({
        outbox: {
          state: 'running',
          backlog: { messages: 1_234, oldestAtMs: Date.now() - 125_000 },
          topics: [lane('orders', { state: 'backing-off', failuresInARow: 7, lastError })],
          stalls: [],
          lastError: undefined,
        },
      }),
    ),
    answer(
      'order-history',
      status({
        consumers: [
          consumer('order-history', {
            deadLetters: 4,
            parkedKeys: 2,
            parked: [
              { topic: 'orders', key: 'order-1', letters: 3 },
              { topic: 'orders', key: LONG_KEY, letters: 1 },
            ],
          }),
        ],
      }),
      [
        {
          source: 'consumer:order-history',
          letters: [letter('event-1'), ...held, letter('event-9', { key: LONG_KEY, position: 9 })],
          isMore: false,
        },
      ],
    ),
    answer(
      'analytics',
      status({
        consumers: [
          consumer('analytics', {
            deadLetters: 1,
            retrying: [{ topic: 'orders', key: 'order-8', attempt: 4, reason: 'UnavailableError: the store takes no work right now' }],
          }),
        ],
      }),
      // The same message as with order-history.
      [{ source: 'consumer:analytics', letters: [letter('event-1', { source: 'consumer:analytics', kind: 'skipped' })], isMore: false }],
    ),
    answer(
      'notifications',
      status({
        consumers: [consumer('notifications', { state: 'failed', lastError })],
        queues: [{ name: 'letters', ready: 12, delayed: 3, leased: 8, dead: 61 }],
      }),
      [
        {
          source: 'queue:letters',
          letters: [
            letter('0197b2c1-7a1e-7c3e-9d2a-1b2c3d4e5f60', {
              source: 'queue:letters',
              topic: null,
              key: null,
              type: null,
              sequence: null,
              position: null,
              kind: 'queued',
              reason: 'UnavailableError: customers cannot be asked.',
            }),
          ],
          isMore: true,
        },
      ],
    ),
    answer(
      'accounts',
      status({
        projections: [
          {
            source: 'projection:balances/2',
            projection: 'balances',
            version: 2,
            lag: 12,
            failing: [{ partition: 1, attempts: 3, position: 88, reason: 'LimitExceededError: 100 documents stand still already' }],
            deadLetters: 2,
            parkedKeys: 1,
            parked: [{ topic: 'balances', key: 'ada', letters: 2 }],
          },
        ],
      }),
      [
        {
          source: 'projection:balances/2',
          letters: [
            letter('event-77', { source: 'projection:balances/2', topic: 'balances', key: 'ada', type: 'deposited', attempts: 1 }),
            letter('event-78', {
              source: 'projection:balances/2',
              topic: 'balances',
              key: 'ada',
              type: 'deposited',
              kind: 'held',
              attempts: 0,
            }),
          ],
          isMore: false,
        },
      ],
    ),
    { service: 'payments', status: null, deadLetters: [], problem: 'payments cannot be asked: it is backing-off.' },
  ]
}

/** What the services of a test say, and what was asked of them. */
export function fakeMessages(services: readonly ServiceMessages[]) {
  const requeues: unknown[] = []
  let current = services
  const messages: Messages = {
    all: async () => current,
    async deadLetter(service, id) {
      const found = current
        .flatMap((answer) => answer.deadLetters.flatMap(({ letters }) => (answer.service === service ? letters : [])))
        .find((candidate) => candidate.id === id)
      if (found === undefined)
        throw new NotFoundError(`There is no dead letter ${id}. It was requeued meanwhile, or lies with another service.`)
      const data = {
        orderId: found.key,
        customerId: 'c-1',
        cardToken: '[redacted]',
        note: 'a long note '.repeat(40),
        lines: [{ productId: 'p-1', quantity: 2 }],
      }
      return {
        ...found,
        correlationId: '0197b2c1-7a1e-7c3e-9d2a-1b2c3d4e5f60',
        body: JSON.stringify({ id, key: found.key, data }, null, 2),
        isCut: false,
      }
    },
    async requeue(service, parameters) {
      requeues.push([service, parameters])
      const isLast = requeues.length > 1
      if (isLast)
        current = current.map((answer) =>
          answer.service === service ? { ...answer, deadLetters: [], status: status({ consumers: [consumer(service)] }) } : answer,
        )
      return isLast
        ? { letters: [{ id: 'event-1', outcome: 'handled', attempt: 12, reason: null }], left: 0 }
        : { letters: [{ id: 'event-1', outcome: 'failed', attempt: 11, reason: REASON }], left: 3 }
    },
  }
  return { messages, requeues }
}
