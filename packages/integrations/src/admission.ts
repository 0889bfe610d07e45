import { type CallContext, ConfigurationError } from 'seaworthy/core'
import type { IncomingCall } from 'seaworthy/http'
import type { Guard } from 'seaworthy/resilience'

/** What every framework's `guarded` takes beside the guard. */
export interface GuardedOptions<Request> {
  /**
   * Who asks, as the application has established it. Default: nobody. The header `x-seaworthy-actor` counts for nothing,
   * because whoever can reach the server can send it; behind a gateway that sets it, read it here.
   */
  readonly actorOf?: (request: Request) => string | undefined
}

/** A request that asks to be let in. */
export interface Arrival {
  readonly incoming: IncomingCall
  readonly actor: string | undefined
  /** Lets the handler begin, in the context of its call. Settles once the answer is over; rejects with why it failed. */
  handle(call: CallContext): Promise<void>
  /** Answers in the handler's place, if nothing has been answered yet. */
  refuse(error: unknown): void
}

/**
 * Lets a request in through a guard, and holds its place until its answer is over. What the guard throws, and the end of the
 * caller's time, is answered at once, also when the handler has begun and goes on.
 */
export async function admit(guard: Guard, arrival: Arrival): Promise<void> {
  const { incoming } = arrival
  const context: CallContext = { ...incoming.context, actor: arrival.actor }
  let begun = false
  const body = (attempt: CallContext): Promise<void> => {
    // A handler answers once. A guard that hedges would have it answer twice.
    if (begun) throw new ConfigurationError('A guard at the way in calls its body once: leave out what makes calls again.')
    begun = true
    return arrival.handle({ ...context, deadlineMs: attempt.deadlineMs, signal: attempt.signal })
  }
  try {
    if (incoming.invalid !== undefined) throw incoming.invalid
    // Its caller makes a request again, if anybody; the handler's own calls are not to know of that.
    await Promise.race([guard.run(body, { ...context, retriedByCaller: true }), incoming.expired])
  } catch (error) {
    arrival.refuse(error)
  } finally {
    incoming.end()
  }
}
