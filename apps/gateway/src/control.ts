/** What a supervisor asks over the channel of this process, so that a service can be replaced without a lost request. */
interface ControlMessage {
  readonly type: 'hold' | 'release'
  readonly upstream: string
  readonly id: string
  /** The instance that is meant; absent for all. */
  readonly url?: string
}

/** What can be held, and released again: see StranglerGateway. */
interface Holding {
  hold(upstream: string, id: string, url?: string): Promise<boolean>
  release(upstream: string, id: string): void
}

/** The end of the channel to the supervisor: this process's own. */
export interface ControlChannel {
  on(event: 'message', listener: (message: unknown) => void): unknown
  send?: ((message: object) => unknown) | undefined
}

/** Answers `hold` by `held` once requests in flight have finished, and `release` by `released`. Other messages are not for the gateway. */
export function listenToControl(channel: ControlChannel, gateway: Holding): void {
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

/** Has the supervisor start the service that a route is to move to. */
export function wishFor(service: string, channel: ControlChannel): void {
  channel.send?.({ type: 'start', service })
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
