import type { Channel } from 'rabbitmq-client'
import { ConfigurationError } from 'seaworthy/core'
import { levelPattern, levelTtlMs } from './delay.ts'

export interface TopologyOptions {
  readonly name: string
  readonly deliveryLimit: number
  readonly messagesMax: number
}

/** The names of what a queue is made of. */
export const deadQueueOf = (name: string) => `${name}.dead`
export const delayLevelOf = (name: string, level: number) => `${name}.delay.${levelTtlMs(level)}`
const dueExchangeOf = (name: string) => `${name}.due`

// Dead letters, and messages whose wait is over, leave their queue only when the next one has confirmed them.
const KEEP_UNTIL_CONFIRMED = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' } as const
// RabbitMQ 4 has a limit of 20 unless told otherwise, and looking at dead letters counts.
const NO_DELIVERY_LIMIT = 1_000_000_000

/** The queue, and that of its dead letters. Does nothing where they are as they should be. */
export async function declareQueue(channel: Channel, { name, deliveryLimit, messagesMax }: TopologyOptions): Promise<void> {
  await channel.queueDeclare({
    queue: deadQueueOf(name),
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_DELIVERY_LIMIT },
  })
  try {
    await channel.queueDeclare({
      queue: name,
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        // RabbitMQ counts what comes back: one less than what goes out.
        'x-delivery-limit': deliveryLimit - 1,
        'x-max-length': messagesMax,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': deadQueueOf(name),
        ...KEEP_UNTIL_CONFIRMED,
      },
    })
  } catch (error) {
    if (!isRefusedArgument(error)) throw error
    throw new ConfigurationError(
      `The queue ${name} exists in RabbitMQ with other settings than deliveryLimit ${deliveryLimit} and messagesMax ${messagesMax}, and RabbitMQ changes none of an existing queue. Open it with those that it has, or delete it when it is empty.`,
      { cause: error },
    )
  }
}

/** An exchange that hands each message to the queues whose pattern its routing key fits. Does nothing where it is as it should be. */
export async function declareTopicExchange(channel: Channel, name: string): Promise<void> {
  try {
    await channel.exchangeDeclare({ exchange: name, type: 'topic', durable: true })
  } catch (error) {
    if (!isRefusedArgument(error)) throw error
    throw new ConfigurationError(
      `The exchange ${name} exists in RabbitMQ, and is not a durable one of type topic. Give events another topic, or delete it when nobody uses it.`,
      { cause: error },
    )
  }
}

/** The queues in which messages wait, from the shortest up to this level, so that the levels there are have no gap. */
export async function declareDelayLevels(channel: Channel, name: string, { from, to }: { from: number; to: number }): Promise<void> {
  if (from === 0) {
    await channel.exchangeDeclare({ exchange: dueExchangeOf(name), type: 'fanout', durable: true })
    await channel.queueBind({ queue: name, exchange: dueExchangeOf(name) })
  }
  for (let level = from; level <= to; level++) {
    const own = delayLevelOf(name, level)
    const next = level === 0 ? dueExchangeOf(name) : delayLevelOf(name, level - 1)
    await channel.exchangeDeclare({ exchange: own, type: 'topic', durable: true })
    await channel.exchangeBind({ source: own, destination: next, routingKey: levelPattern(level, false) })
    await channel.queueDeclare({
      queue: own,
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-message-ttl': levelTtlMs(level),
        'x-dead-letter-exchange': next,
        ...KEEP_UNTIL_CONFIRMED,
      },
    })
    await channel.queueBind({ queue: own, exchange: own, routingKey: levelPattern(level, true) })
  }
}

function isRefusedArgument(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'PRECONDITION_FAILED'
}
