import { LimitExceededError } from 'seaworthy/core'

/**
 * RabbitMQ keeps a message back only by a time to live that a whole queue has: one message behind another of a longer time would come too late. So a
 * delay is put together from queues of 100, 200, 400, … ms. A message waits in those whose sum is its delay, the longest first: its routing key
 * has a word for each level, `1` where it waits and `0` where it goes straight on to the next.
 *
 * The scheme is that of NServiceBus ("Delay Infrastructure", RabbitMQ transport), with a finer unit.
 */
export interface DelayRoute {
  /** The level of the longest wait, where it enters. */
  readonly level: number
  readonly routingKey: string
  /** The delay that comes of it, rounded up to the unit. */
  readonly delayMs: number
}

export const DELAY_UNIT_MS = 100
const LEVELS = 24
/** 19 days. */
export const DELAY_MS_MAX = DELAY_UNIT_MS * (2 ** LEVELS - 1)

/** Rounded up to the unit: a message never comes early. @throws LimitExceededError beyond {@link DELAY_MS_MAX} */
export function delayRoute(delayMs: number): DelayRoute {
  const units = Math.ceil(delayMs / DELAY_UNIT_MS)
  if (units >= 2 ** LEVELS)
    throw new LimitExceededError(
      `A message can wait for ${DELAY_MS_MAX} ms in RabbitMQ, and was to wait for ${delayMs} ms. Keep what is due later in a table, and send it when its time comes near.`,
      { final: true },
    )
  const bits = units.toString(2)
  return { level: bits.length - 1, routingKey: bits.padStart(LEVELS, '0').split('').join('.'), delayMs: units * DELAY_UNIT_MS }
}

/** How long a level keeps a message. */
export function levelTtlMs(level: number): number {
  return DELAY_UNIT_MS * 2 ** level
}

/** Matches the routing keys of messages that wait at this level, or do not. */
export function levelPattern(level: number, waits: boolean): string {
  return ['*.'.repeat(LEVELS - 1 - level), waits ? '1' : '0', level === 0 ? '' : '.#'].join('')
}
