import type { Gateway } from './gateway.ts'

/** What a supervisor asks over the channel of this process, so that a service can be replaced without a lost request. */
interface ControlMessage {
  readonly type: 'hold' | 'release'
  readonly upstream: string
  readonly id: string
  /** The instance that is meant; absent for all. */
  readonly url?: string
}

/** The end of the channel to the supervisor: this process's own. */
export interface ControlChannel {
  on(event: 'message', listener: (message: unknown) => void): unknown
  send?: ((message: object) => unknown) | undefined
}

/** Answers `hold` by `held` once requests in flight have finished, and `release` by `released`. Other messages are not for the gateway. */
export function listenToControl(channel: ControlChannel, gateway: Pick<Gateway, 'hold' | 'release'>): void {
  if (channel.send === undefined) return
  const answer = (message: object) => channel.send?.(message)
  channel.on('message', (message) => {
    if (!isControlMessage(message)) return
    const { type, upstream, id, url } = message
    switch (type) {
      case 'hold':
        void gateway.hold(upstream, id, url).then((isHeld) => isHeld && answer({ type: 'held', upstream, id }))
        return
      case 'release':
        gateway.release(upstream, id)
        answer({ type: 'released', upstream, id })
    }
  })
}

function isControlMessage(message: unknown): message is ControlMessage {
  if (typeof message !== 'object' || message === null) return false
  const { type, upstream, id, url } = message as Record<string, unknown>
  return (
    (type === 'hold' || type === 'release') &&
    typeof upstream === 'string' &&
    typeof id === 'string' &&
    (url === undefined || typeof url === 'string')
  )
}
