import type { Envelope } from 'rabbitmq-client'
import { ConfigurationError } from 'seaworthy/core'
import {
  type AppendOnlyLog,
  type EventEnvelope,
  STRUCTURED_CLOUD_EVENT,
  TopicNotOwnedError,
  structuredCloudEvent,
} from 'seaworthy/messaging'
import { ConnectedBroker, type RabbitMqBroker } from './broker.ts'
import { Publisher } from './publisher.ts'
import { declareTopicExchange } from './topology.ts'

export interface RabbitMqExchangesOptions {
  /** The topics that are appended to: each is a durable topic exchange of that name, which is made where it is missing. */
  readonly topics: readonly string[]
  /** How long a confirm is waited for. Default 10,000 ms. */
  readonly answerTimeoutMs?: number
  /** Events of a topic that wait for a confirm at most. Default 10,000. */
  readonly unconfirmedMax?: number
}

/** What AMQP takes for a routing key, in bytes. */
const ROUTING_KEY_BYTES_MAX = 255

/**
 * Publishes events to RabbitMQ, for a relay: the topic is the exchange, the event's type the routing key, and the body a CloudEvent in JSON. An append settles when each queue that an event
 * was routed to has it. It is sent as `mandatory`: one that no queue takes fails the append, so that it stays in the outbox.
 *
 * An event follows the one before it of its key only when that is confirmed. Otherwise, where the first fails and the second does not, a repetition of both would come in the order
 * second, first, second, and an inbox would drop the first.
 * @throws ConfigurationError for a broker of another library, or an exchange of another type; what the broker says when it cannot be reached
 */
export async function openRabbitMqExchanges(broker: RabbitMqBroker, options: RabbitMqExchangesOptions): Promise<AppendOnlyLog> {
  if (!(broker instanceof ConnectedBroker)) throw new ConfigurationError('Exchanges are opened on what openRabbitMqBroker returned.')
  const exchanges = new EventExchanges(broker, options)
  try {
    await exchanges.declare()
    return exchanges
  } catch (error) {
    await exchanges.close()
    throw error
  }
}

class EventExchanges implements AppendOnlyLog {
  readonly #broker: ConnectedBroker
  readonly #publishers: ReadonlyMap<string, Publisher>

  constructor(broker: ConnectedBroker, { topics, answerTimeoutMs = 10_000, unconfirmedMax = 10_000 }: RabbitMqExchangesOptions) {
    this.#broker = broker
    const publisher = (topic: string) =>
      new Publisher(broker.publishing, {
        target: `exchange ${topic}`,
        onReturned: `No queue takes an event that was sent to the exchange ${topic}. Bind one to its type or to "#", or give the exchange an alternate one.`,
        onRefused: 'a queue that is bound to it is full. Let its consumers catch up.',
        answerTimeoutMs,
        unconfirmedMax,
        // Again with each channel: an exchange that somebody deleted would take the channel with it, for ever.
        declare: (channel) => declareTopicExchange(channel, topic),
      })
    this.#publishers = new Map(topics.map((topic) => [topic, publisher(topic)]))
  }

  async declare(): Promise<void> {
    const channel = await this.#broker.publishing.channel()
    try {
      for (const topic of this.#publishers.keys()) await declareTopicExchange(channel, topic)
    } finally {
      await channel.close()
    }
  }

  async append(topic: string, events: readonly EventEnvelope[]): Promise<void> {
    const publisher = this.#publishers.get(topic)
    if (publisher === undefined) throw new TopicNotOwnedError(topic, [...this.#publishers.keys()])
    const keys = [...Map.groupBy(events, ({ key }) => key).values()]
    const outcomes = await Promise.allSettled(
      keys.map(async (inOrder) => {
        for (const event of inOrder) await publisher.publish(envelopeOf(topic, event), Buffer.from(structuredCloudEvent(event)))
      }),
    )
    // When nothing is on its way any more: a repetition must not meet what is left of this attempt.
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async close(): Promise<void> {
    await Promise.all([...this.#publishers.values()].map((publisher) => publisher.close()))
  }
}

function envelopeOf(topic: string, event: EventEnvelope): Envelope {
  if (Buffer.byteLength(event.type) > ROUTING_KEY_BYTES_MAX) {
    throw new ConfigurationError(
      `The type of event ${event.id} is longer than ${ROUTING_KEY_BYTES_MAX} bytes, and RabbitMQ takes no longer routing key.`,
    )
  }
  return {
    exchange: topic,
    routingKey: event.type,
    // Where it is too long for the property, it is in the body all the same.
    ...(Buffer.byteLength(event.id) <= ROUTING_KEY_BYTES_MAX && { messageId: event.id }),
    type: event.type,
    contentType: STRUCTURED_CLOUD_EVENT,
    timestamp: Math.floor(Date.parse(event.time) / 1_000),
    durable: true,
    ...(event.traceparent !== undefined && { headers: { traceparent: event.traceparent } }),
  }
}
