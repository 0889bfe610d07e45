import { type Clock, rootContext, TimeoutError, UnavailableError } from 'seaworthy/core'
import { countWindow, policy } from 'seaworthy/resilience'
import { http1Wire } from './http1-wire.ts'
import { http2Wire } from './http2-wire.ts'
import type { Ask } from './safe-request.ts'
import type { SideAddress } from './side-address.ts'

export interface HttpAskOptions {
  /** Whose answers these are, for errors. */
  readonly name: string
  readonly address: SideAddress
  /** Until the answer is there whole. */
  readonly timeoutMs: number
  readonly concurrencyMax: number
  readonly bodyBytesMax: number
  readonly clock: Clock
}

/** Asks a side over HTTP, by a policy: with its own time limit, so many at a time, and not while it is down. */
export function httpAsk({ name, address, timeoutMs, concurrencyMax, bodyBytesMax, clock }: HttpAskOptions): Ask & Disposable {
  const wire =
    address.protocol === 'h2' ? http2Wire(address, { bodyBytesMax }) : http1Wire(address, { connectionsMax: concurrencyMax, bodyBytesMax })
  const guard = policy(
    {
      timeout: { attemptMs: timeoutMs },
      circuitBreaker: { failureRate: 0.5, window: countWindow(20), openMs: 5_000, probesMax: 1 },
      bulkhead: { concurrencyMax, queueMax: concurrencyMax * 4 },
    },
    { name: `shadow ${name}`, clock },
  )
  const ask: Ask = (request, signal) =>
    guard.run(async (call) => {
      const either = call.signal === undefined ? signal : AbortSignal.any([signal, call.signal])
      try {
        return { ...(await wire.send(request, either)), atMs: clock.now() }
      } catch (cause) {
        if (either.aborted) throw reasonOf(either)
        throw new UnavailableError(`${name} gave no answer: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause })
      }
      // Of its own: what a client had left of its time is none of its business.
    }, rootContext())
  return Object.assign(ask, { [Symbol.dispose]: () => wire[Symbol.dispose]() })
}

const reasonOf = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new TimeoutError('It took too long.', 0))
