import { type Clock, TimeoutError, observed, withContext } from 'seaworthy/core'
import { type EventEnvelope, contextOf } from './event.ts'

/** What a handler knows about the attempt in progress. */
export interface Attempt {
  readonly topic: string
  /** Number of this attempt, from 1. */
  readonly attempt: number
  /** Milliseconds that the handler has. */
  readonly timeoutMs: number
  /** Aborted when they are over. What the handler does after that still counts as failed, and the next attempt may run beside it: hand the signal on. */
  readonly signal: AbortSignal
  /** True when the message is handled again after later ones of its key were: its number says nothing then. */
  readonly outOfOrder: boolean
}

/** Does the work that an event asks for. It may be called again with the same event: make it idempotent, by the inbox of `seaworthy/outbox` or by the event's id. */
export type MessageHandler = (event: EventEnvelope, attempt: Attempt) => Promise<void>

export interface AttemptOptions {
  readonly handler: MessageHandler
  readonly event: EventEnvelope
  readonly topic: string
  readonly group: string
  readonly attempt: number
  readonly outOfOrder: boolean
  readonly timeoutMs: number
  /** When the log stored the event, milliseconds since the epoch; unknown for a dead letter. */
  readonly appendedAtMs?: number
  readonly clock: Clock
}

const handling = observed('consumer.handle')

/**
 * Runs the handler once, in the event's own context with a deadline of its own.
 * @throws TimeoutError when the time is over, and whatever the handler throws
 */
export function runAttempt(options: AttemptOptions): Promise<void> {
  const { event, topic, clock } = options
  return handling.run(
    () => ({
      name: `${topic} process`,
      kind: 'consumer',
      parent: { traceparent: event.traceparent, tracestate: event.tracestate },
      attributes: {
        'messaging.system': 'seaworthy',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.consumer.group.name': options.group,
        'messaging.message.id': event.id,
        'seaworthy.correlation_id': event.correlationId,
        'seaworthy.event.type': event.type,
        'seaworthy.consumer.attempt': options.attempt,
        ...(options.appendedAtMs !== undefined && waited(Math.max(0, clock.now() - options.appendedAtMs), options.attempt)),
      },
    }),
    () => withTimeout(options),
  )
}

/** Since it is in the log. Of a later attempt most of that was spent on those before it, and on the pauses between them: no wait for a consumer. */
function waited(ms: number, attempt: number): Record<string, number> {
  return { 'seaworthy.log.wait_ms': ms, ...(attempt === 1 && { 'seaworthy.time.queue_wait_ms': ms }) }
}

function withTimeout({ handler, event, topic, attempt, outOfOrder, timeoutMs, clock }: AttemptOptions): Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  // Made here, inside the span: it takes the trace headers of the span in progress.
  const context = {
    ...contextOf(event),
    signal,
    deadlineMs: clock.monotonicMs() + timeoutMs,
  }
  return new Promise<void>((resolve, reject) => {
    const timer = clock.timer(timeoutMs, () => {
      const late = new TimeoutError(
        `The handler of ${event.type} ${event.id} on ${topic} did not finish within ${timeoutMs} ms. Make it faster, or raise handlerTimeoutMs.`,
        timeoutMs,
      )
      controller.abort(late)
      reject(late)
    })
    withContext(context, async () => handler(event, { topic, attempt, timeoutMs, signal, outOfOrder }))
      .finally(() => timer.cancel())
      .then(resolve, reject)
  })
}
