import { type CallContext, type Clock, contextOrRoot, systemClock } from 'seaworthy/core'
import { assertSensible, problemsOf, type Shape } from './declaration-shape.ts'
import { OverloadedError } from './errors.ts'
import { publish } from './events.ts'
import { HostPressure } from './host-pressure.ts'
import type { Guard } from './policy.ts'
import type { Priority, PriorityOf } from './priority.ts'

export interface LoadShedderDeclaration {
  /** Sheds when a turn of the event loop takes longer, in milliseconds. */
  readonly eventLoopDelayMaxMs: number
  /** What a caller that was shed is told to wait. Default 1,000 ms. */
  readonly retryAfterMs?: number
}

export interface LoadShedderSnapshot {
  readonly name: string
  readonly eventLoopDelayMs: number
  readonly admitted: number
  readonly shed: number
}

export interface LoadShedder extends Guard {
  readonly name: string
  readonly declaration: LoadShedderDeclaration
  snapshot(): LoadShedderSnapshot
}

const LOAD_SHEDDER: Shape = { eventLoopDelayMaxMs: 'a positive number', retryAfterMs: 'a number from 0?' }

/** At so many times the limit a class of calls is shed. Critical ones are served as long as the process can. */
const SHED_AT: Record<Priority, number> = { sheddable: 1, normal: 2, critical: Number.POSITIVE_INFINITY }

/**
 * Turns work away while this process is too busy to do it in time, the least important first: an answer that comes after its
 * caller has left costs as much as one in time. For the server's side of a call.
 * @throws ConfigurationError
 */
export function loadShedder(
  declaration: LoadShedderDeclaration,
  options: { readonly name: string; readonly clock?: Clock; readonly priorityOf?: PriorityOf },
): LoadShedder {
  const { name, clock = systemClock, priorityOf = () => 'normal' } = options
  assertSensible(`Load shedder ${name}`, problemsOf('', declaration, LOAD_SHEDDER))
  const { eventLoopDelayMaxMs, retryAfterMs = 1_000 } = declaration
  const pressure = new HostPressure(clock)
  let admitted = 0
  let shed = 0
  return {
    name,
    declaration,
    async run<T>(body: (call: CallContext) => Promise<T>, context: CallContext = contextOrRoot()): Promise<T> {
      context.signal?.throwIfAborted()
      const delayMs = pressure.eventLoopDelayMs()
      if (delayMs > eventLoopDelayMaxMs * SHED_AT[priorityOf(context)]) {
        shed++
        publish(() => ({ type: 'call-rejected', policy: name, by: 'load-shedder' }))
        const why = `a turn of the event loop took ${Math.round(delayMs)} ms (eventLoopDelayMaxMs ${eventLoopDelayMaxMs})`
        throw new OverloadedError(name, why, retryAfterMs)
      }
      admitted++
      return body(context)
    },
    snapshot: () => ({ name, eventLoopDelayMs: pressure.eventLoopDelayMs(), admitted, shed }),
  }
}
