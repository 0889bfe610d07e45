import { type Clock, newId } from 'seaworthy/core'
import type { Child } from './child.ts'

// The gateway confirms when the requests in flight have been answered. One that takes longer, or a gateway that does not answer at
// all, must not keep a service from being replaced: the service drains what it still has.
const HELD_TIMEOUT_MS = 3_000

/** While it lasts, the gateway keeps requests to one upstream waiting, each within its deadline; those to one instance of several go to the others. */
export interface Hold {
  /** False if the gateway did not confirm: requests in the next moments may meet a closed port. */
  readonly confirmed: boolean
  release(): void
}

/** What is held: a service, or the instance of it at `url`. */
export interface HoldTarget {
  readonly upstream: string
  readonly url?: string
}

/** Asks the gateway to hold requests: `hold` → `held`, later `release`, over the channel of its process. */
export async function hold(gateway: Child, target: HoldTarget, clock: Clock): Promise<Hold> {
  const id = newId()
  const confirmed = await new Promise<boolean>((resolve) => {
    const settle = (value: boolean) => {
      timer.cancel()
      ignore()
      resolve(value)
    }
    const timer = clock.timer(HELD_TIMEOUT_MS, () => settle(false))
    const ignore = gateway.onMessage((message) => {
      if (isHeld(message) && message.id === id) settle(true)
    })
    void gateway.ended.then(() => settle(false))
    gateway.send({ type: 'hold', ...target, id })
  })
  return { confirmed, release: () => gateway.send({ type: 'release', upstream: target.upstream, id }) }
}

function isHeld(message: unknown): message is { readonly type: 'held'; readonly id: unknown } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'held' && 'id' in message
}
