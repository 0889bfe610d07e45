import type { ConsumerStatus, QueueStatus, TopicStatus } from 'seaworthy/messaging'
import type { RelayStatus } from 'seaworthy/outbox'
import type { Labels, MetricFamily } from './metric-family.ts'

/** What somebody is asked about messages at a scrape. A process that has no such part leaves it out. */
export interface MessageFigures {
  readonly outbox?: RelayStatus | null
  readonly consumers?: readonly (ConsumerStatus & { readonly deadLetters: number; readonly parkedKeys: number })[]
  readonly queues?: readonly (QueueStatus & { readonly name: string })[]
  readonly topics?: readonly TopicStatus[]
}

type Sample = readonly [labels: Labels, value: number]

const gauge = (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({ name, type: 'gauge', help, samples })
const counter = (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({ name, type: 'counter', help, samples })

/**
 * How outbox, consumers, queues and topics stand, as metrics.
 * @param nowMs milliseconds since the epoch
 */
export function messageFamilies(
  { outbox, consumers = [], queues = [], topics = [] }: MessageFigures,
  nowMs: number,
): readonly MetricFamily[] {
  const ofConsumers = (read: (consumer: (typeof consumers)[number]) => number) =>
    consumers.map((consumer): Sample => [{ group: consumer.group }, read(consumer)])
  return [
    ...(outbox === undefined || outbox === null ? [] : outboxFamilies(outbox, nowMs)),
    gauge(
      'seaworthy_consumer_running',
      '1 while the consumer handles messages.',
      ofConsumers(({ state }) => (state === 'running' ? 1 : 0)),
    ),
    counter(
      'seaworthy_consumer_handled_total',
      'Messages that were handled.',
      ofConsumers(({ handled }) => handled),
    ),
    counter(
      'seaworthy_consumer_failed_attempts_total',
      'Attempts to handle one that failed.',
      ofConsumers(({ failedAttempts }) => failedAttempts),
    ),
    gauge(
      'seaworthy_consumer_parked_keys',
      'Keys whose messages wait behind a dead letter.',
      ofConsumers(({ parkedKeys }) => parkedKeys),
    ),
    gauge('seaworthy_dead_letters', 'Messages that could not be handled, and wait for a person.', [
      ...consumers.map(({ group, deadLetters }): Sample => [{ source: `consumer:${group}` }, deadLetters]),
      ...queues.map(({ name, dead }): Sample => [{ source: `queue:${name}` }, dead]),
    ]),
    gauge(
      'seaworthy_queue_messages',
      'Messages in the queue, by what they wait for.',
      queues.flatMap(({ name: queue, ready, delayed, leased }): readonly Sample[] => [
        [{ queue, state: 'ready' }, ready],
        [{ queue, state: 'delayed' }, delayed],
        [{ queue, state: 'leased' }, leased],
      ]),
    ),
    gauge(
      'seaworthy_consumer_lag',
      'Records of the topic that the group has not committed.',
      topics.flatMap(({ topic, groups }) => groups.map(({ group, lag }): Sample => [{ topic, group }, lag])),
    ),
  ]
}

/** How an outbox and its relay stand. @param nowMs milliseconds since the epoch */
export function outboxFamilies({ backlog, topics, stalls, lastError }: RelayStatus, nowMs: number): readonly MetricFamily[] {
  const oldestS = backlog.oldestAtMs === undefined ? 0 : Math.max(0, nowMs - backlog.oldestAtMs) / 1_000
  const perTopic = (read: (topic: RelayStatus['topics'][number]) => number) =>
    topics.map((topic): Sample => [{ topic: topic.topic }, read(topic)])
  return [
    gauge('seaworthy_outbox_messages', 'Messages that wait in the outbox.', [[{}, backlog.messages]]),
    gauge('seaworthy_outbox_oldest_seconds', 'Age of the oldest of them.', [[{}, oldestS]]),
    counter(
      'seaworthy_relay_sent_total',
      'Messages that the log confirmed.',
      perTopic(({ sent }) => sent),
    ),
    gauge(
      'seaworthy_relay_failures_in_a_row',
      'Attempts that failed since the last that did not.',
      perTopic(({ failuresInARow }) => failuresInARow),
    ),
    gauge('seaworthy_relay_stalled', 'Operations that somebody in the database holds up.', [[{}, stalls.length]]),
    gauge('seaworthy_relay_looking', '1 while the relay can look for work.', [[{}, lastError === undefined ? 1 : 0]]),
  ]
}

/** How many sagas there are in each state. */
export function sagaFamilies(counts: Readonly<Record<string, number>>): readonly MetricFamily[] {
  return [
    gauge(
      'seaworthy_sagas',
      'Sagas that the store has, by their state. A parked one waits for a person.',
      Object.entries(counts).map(([state, count]): Sample => [{ state }, count]),
    ),
  ]
}
