import type { Clock } from 'seaworthy/core'
import type { Child } from './child.ts'

const LED_TIMEOUT_MS = 3_000

/** Tells the gateway where the instances of a service are from now on. @returns false if it did not confirm */
export async function leadTo(
  gateway: Child,
  to: { readonly upstream: string; readonly urls: readonly string[] },
  clock: Clock,
): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const settle = (value: boolean) => {
      timer.cancel()
      ignore()
      resolve(value)
    }
    const timer = clock.timer(LED_TIMEOUT_MS, () => settle(false))
    const ignore = gateway.onMessage((message) => {
      if (isLed(message) && message.upstream === to.upstream) settle(true)
    })
    void gateway.ended.then(() => settle(false))
    gateway.send({ type: 'lead', ...to })
  })
}

function isLed(message: unknown): message is { readonly type: 'led'; readonly upstream: unknown } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'led' && 'upstream' in message
}
