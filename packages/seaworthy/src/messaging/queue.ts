import { type Propagated, SeaworthyError } from 'seaworthy/core'

/**
 * RabbitMQ's and SQS's model: the broker hands each message to one worker, waits for its acknowledgement, and hands it
 * out again when the worker's lease runs out. Delivery is at least once; there is no order.
 */
export interface Queue {
  /**
   * Settles once the message is durable. A message whose id the queue has seen within its dedupe window is not stored again, so that
   * sending under the id of the event that caused it is safe to repeat.
   */
  send(message: NewQueueMessage): Promise<void>
  /**
   * Up to `max` messages, leased for `leaseMs`. Waits up to `waitMs` for the first; an abort ends the wait with the signal's reason.
   */
  receive(options: { max: number; leaseMs: number; waitMs: number; signal?: AbortSignal }): Promise<readonly Delivery[]>
  status(): Promise<QueueStatus>
  deadLetters(options: { max: number }): Promise<readonly DeadQueueMessage[]>
  /** Puts dead letters back as fresh messages, their attempts counted from the start. Settles with how many there were. */
  requeueDead(ids: readonly string[]): Promise<number>
  close(): Promise<void>
}

export interface NewQueueMessage {
  readonly id: string
  /** JSON-able. */
  readonly body: unknown
  readonly context: Propagated
  /** Not handed out before this many milliseconds have passed. Default 0. */
  readonly delayMs?: number
}

/** A leased message. When the lease ends without an answer, the queue hands the message out again. */
export interface Delivery {
  readonly id: string
  readonly body: unknown
  readonly context: Propagated
  /** 1 for the first delivery; counted before it is handed out, so that a message that kills its worker is seen to. */
  readonly attempt: number
  /** How long it could have been had before, in milliseconds: since it was sent, its delay was over, or its last lease had ended. Undefined where the broker does not tell. */
  readonly readyForMs?: number
  /** Done. @throws LeaseLostError when the lease had ended: somebody else may have the message now */
  acknowledge(): Promise<void>
  /**
   * Not done: back into the queue after `delayMs`, or to the dead letters when the delivery limit is reached or `dead` is true.
   * @throws LeaseLostError
   */
  reject(options: { reason: string; delayMs?: number; dead?: boolean }): Promise<void>
  /** Asks for `leaseMs` more, counted from now. @throws LeaseLostError */
  extend(leaseMs: number): Promise<void>
}

export interface DeadQueueMessage {
  readonly id: string
  readonly body: unknown
  readonly attempts: number
  readonly reason: string
  readonly diedAtMs: number
}

export interface QueueStatus {
  readonly ready: number
  readonly delayed: number
  readonly leased: number
  readonly dead: number
}

/** The lease of a delivery had ended before its answer came: the message is ready again, or somebody else has it. The answer had no effect. */
export class LeaseLostError extends SeaworthyError {
  constructor(id: string, options: { cause?: unknown } = {}) {
    super(
      'lease-lost',
      `The lease of message ${id} had ended. It will be, or was, handed out again: make its effect idempotent, and lease for longer than the work takes.`,
      { ...options, executed: 'no', final: true },
    )
  }
}
