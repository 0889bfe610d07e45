import type {
  DeadLetterSummary,
  ManagedConsumerStatus,
  ManagedProjectionStatus,
  RequeueAnswer,
  RequeueParameters,
} from '@seaworthy/supervisor/management'
import type { OutboxStall } from 'seaworthy/outbox'
import type { ServiceMessages } from '../../../src/system/messages.ts'
import { formatAge, formatTime, plural } from './format.ts'

export type Tone = 'ok' | 'warn' | 'error' | 'quiet'

/** A state in a word, with what stands behind it. */
export interface Condition {
  readonly tone: Tone
  readonly text: string
  readonly title: string
}

export interface ServiceRow {
  readonly service: string
  readonly problem: string | undefined
  /** Undefined for a service that publishes nothing. */
  readonly outbox: { readonly waiting: number; readonly oldestAtMs: number | undefined; readonly relay: Condition } | undefined
  /** Undefined for one that consumes nothing. */
  readonly consumer: Condition | undefined
  readonly lag: number
  readonly heldKeys: number
  readonly deadLetters: number
  readonly queues: readonly { readonly name: string; readonly waiting: number; readonly title: string }[]
}

export interface HeldKey {
  readonly service: string
  readonly group: string
  readonly topic: string
  readonly key: string
  readonly condition: Condition
  /** Why it waits. */
  readonly reason: string
  /** Undefined for one that the consumer tries again by itself. */
  readonly requeue: RequeueParameters | undefined
}

export interface TopicRow {
  readonly topic: string
  readonly partitions: number
  readonly records: number
  /** What was ever appended; undefined where the engine does not tell. */
  readonly appended: number | undefined
  readonly offsets: string
  readonly groups: readonly { readonly group: string; readonly lag: number }[]
}

export type LetterRow = DeadLetterSummary & { readonly service: string }

export interface MessagesView {
  readonly services: readonly ServiceRow[]
  readonly heldKeys: readonly HeldKey[]
  readonly letters: readonly LetterRow[]
  /** Dead letters that are not listed: the oldest of each source are. */
  readonly unlisted: number
  readonly topics: readonly TopicRow[]
  readonly waiting: number
  readonly deadLetters: number
  readonly lag: number
}

/** What the page shows of what the services say. */
export function messagesView(answers: readonly ServiceMessages[]): MessagesView {
  const services = answers.map(serviceRow)
  const letters = answers.flatMap(({ service, deadLetters }) =>
    deadLetters.flatMap((list) => list.letters.map((letter) => ({ ...letter, service }))),
  )
  const sum = (of: (row: ServiceRow) => number) => services.reduce((total, row) => total + of(row), 0)
  const deadLetters = sum((row) => row.deadLetters)
  return {
    services,
    heldKeys: answers.flatMap((answer) => heldKeysOf(answer, letters)),
    letters,
    unlisted: Math.max(0, deadLetters - letters.length),
    topics: topicRows(answers),
    waiting: sum(({ outbox }) => outbox?.waiting ?? 0),
    deadLetters,
    lag: sum(({ lag }) => lag),
  }
}

/** What a letter is requeued with: all of its key in order, or itself where there is no order. */
export function requeueOf({ source, topic, key, id }: DeadLetterSummary): RequeueParameters {
  return topic === null || key === null ? { source, ids: [id] } : { source, topic, key }
}

/** How a requeue went, in a sentence. */
export function requeueText({ letters, left }: RequeueAnswer): string {
  const failed = letters.find(({ outcome }) => outcome === 'failed')
  const handled = letters.length - (failed === undefined ? 0 : 1)
  if (letters.length === 0) return left === 0 ? 'There was nothing left to requeue.' : `Nothing was tried; ${left} left.`
  const done = `${plural(handled, 'message')} ${letters.some(({ outcome }) => outcome === 'requeued') ? 'put back' : 'handled'}`
  return failed === undefined
    ? `${done}; ${left === 0 ? 'none left' : `${left.toLocaleString('en')} left, requeue again`}.`
    : `${done}, then ${failed.id} failed again; ${left.toLocaleString('en')} left. ${failed.reason ?? ''}`
}

function serviceRow({ service, status, problem }: ServiceMessages): ServiceRow {
  const groups = new Set(status?.consumers.map(({ group }) => group))
  const lags = status?.topics.flatMap((topic) => topic.groups.filter(({ group }) => groups.has(group)).map(({ lag }) => lag)) ?? []
  const queues = status?.queues ?? []
  const keyed = [...(status?.consumers ?? []), ...(status?.projections ?? [])]
  const retrying = status?.consumers.map((consumer) => consumer.retrying.length) ?? []
  // A service that publishes nothing may have an outbox too, which nothing ever comes into.
  const outbox = status?.publishes.length === 0 ? undefined : (status?.outbox ?? undefined)
  return {
    service,
    problem: problem ?? undefined,
    outbox:
      outbox !== undefined
        ? { waiting: outbox.backlog.messages, oldestAtMs: outbox.backlog.oldestAtMs ?? undefined, relay: relayCondition(outbox) }
        : undefined,
    consumer: [...(status?.consumers.map(consumerCondition) ?? []), ...(status?.projections.map(projectionCondition) ?? [])].at(0),
    lag: lags.reduce((total, lag) => total + lag, 0),
    heldKeys: keyed.reduce((total, { parkedKeys }) => total + parkedKeys, 0) + retrying.reduce((total, count) => total + count, 0),
    deadLetters: keyed.reduce((total, { deadLetters }) => total + deadLetters, 0) + queues.reduce((total, { dead }) => total + dead, 0),
    queues: queues.map(({ name, ready, delayed, leased, dead }) => ({
      name,
      waiting: ready + delayed + leased,
      title: `${name}: ${ready} ready, ${delayed} delayed, ${leased} leased, ${dead} dead`,
    })),
  }
}

function relayCondition({ topics, state, lastError, stalls }: NonNullable<NonNullable<ServiceMessages['status']>['outbox']>): Condition {
  const title = topics
    .map(
      (lane) =>
        `${lane.topic}: ${lane.state}, ${lane.sent} sent since the start${lane.lastError === undefined ? '' : `; last error: ${lane.lastError.message}`}`,
    )
    .join('\n')
  const failing = topics.filter((lane) => lane.state === 'backing-off')
  if (failing.length > 0) return { tone: 'error', text: 'held up', title }
  if (lastError != null) return { tone: 'error', text: 'failing', title: `${lastError.message}\n${title}` }
  const [stall] = stalls
  if (stall !== undefined) return { tone: 'warn', text: 'waiting', title: `${stallText(stall)}\n${title}` }
  if (state !== 'running') return { tone: 'quiet', text: state, title }
  return topics.some((lane) => lane.state === 'sending') ? { tone: 'ok', text: 'sending', title } : { tone: 'ok', text: 'idle', title }
}

/** Who holds up an operation of the outbox. */
function stallText({ operation, topic, holders, sinceMs }: OutboxStall): string {
  const what = `${operation}${topic === undefined ? '' : ` of ${topic}`} waits since ${formatTime(sinceMs)}`
  if (holders === undefined) return `${what}; who holds it up could not be asked`
  const by = holders.map((holder) =>
    holder.kind === 'prepared-transaction'
      ? `the prepared transaction ${holder.gid}, open for ${formatAge(holder.heldMs)}`
      : `${holder.application ?? 'a session'} (pid ${holder.pid}, ${holder.state ?? 'state not visible'}), open for ${formatAge(holder.heldMs)}: ${holder.query ?? ''}`,
  )
  return by.length === 0 ? `${what}; nobody holds a lock, so look at the server` : `${what} for ${by.join('; ')}`
}

function consumerCondition({ state, handled, failedAttempts, retrying, uncommitted, lastError }: ManagedConsumerStatus): Condition {
  const error = lastError == null ? '' : `\nlast error: ${lastError.message}`
  const title = `${handled} handled and ${failedAttempts} attempts failed since the start; ${uncommitted} read and not committed${error}`
  switch (state) {
    case 'running':
      return retrying.length > 0 ? { tone: 'warn', text: 'trying again', title } : { tone: 'ok', text: 'running', title }
    case 'failed':
      return { tone: 'error', text: 'stopped itself', title }
    case 'stopping':
    case 'stopped':
      return { tone: 'quiet', text: state, title }
  }
}

/** A projection that reads an event store, for a service that consumes nothing. */
function projectionCondition({ projection, version, lag, failing }: ManagedProjectionStatus): Condition {
  const title = `${projection}, version ${version}: ${lag} positions behind its event store`
  const [first] = failing
  if (first === undefined) return { tone: 'ok', text: 'running', title }
  return { tone: 'error', text: 'held up', title: `${title}\npartition ${first.partition} tried ${first.attempts} times: ${first.reason}` }
}

function heldKeysOf({ service, status }: ServiceMessages, letters: readonly LetterRow[]): readonly HeldKey[] {
  if (status === null) return []
  const parkedKey = (group: string, source: string, { topic, key, letters: count }: ManagedConsumerStatus['parked'][number]): HeldKey => {
    const first = letters.find((letter) => letter.service === service && letter.topic === topic && letter.key === key)
    return {
      service,
      group,
      topic,
      key,
      condition: { tone: 'error', text: 'parked', title: `${plural(count, 'message')} of it lie aside, until somebody requeues them` },
      reason: first?.reason ?? '',
      requeue: { source, topic, key },
    }
  }
  const ofConsumers = status.consumers.flatMap(({ group, parked, retrying }) => [
    ...parked.map((one) => parkedKey(group, `consumer:${group}`, one)),
    ...retrying.map(({ topic, key, attempt, reason }): HeldKey => ({
      service,
      group,
      topic,
      key,
      condition: { tone: 'warn', text: `attempt ${attempt}`, title: 'Tried again by itself, with longer and longer waits' },
      reason,
      requeue: undefined,
    })),
  ])
  const ofProjections = status.projections.flatMap(({ source, parked }) => parked.map((one) => parkedKey(source, source, one)))
  return [...ofConsumers, ...ofProjections]
}

/** Each topic once, however many services speak of it. */
function topicRows(answers: readonly ServiceMessages[]): readonly TopicRow[] {
  const topics = new Map<string, TopicRow>()
  for (const { status } of answers) {
    for (const { topic, partitions, records, groups, offsets } of status?.topics ?? []) {
      if (topics.has(topic)) continue
      topics.set(topic, {
        topic,
        partitions,
        records,
        appended: offsets?.reduce((total, { next }) => total + next, 0),
        offsets: offsets?.map(({ partition, first, next }) => `${partition}: ${first} to ${next}`).join('\n') ?? '',
        groups: groups.toSorted((one, other) => one.group.localeCompare(other.group)),
      })
    }
  }
  return [...topics.values()].toSorted((one, other) => one.topic.localeCompare(other.topic))
}
