/** What a supervisor asks over the channel of this process, so that a service can be replaced without a lost request. */
interface ControlMessage {
  readonly type: 'hold' | 'release'
  readonly upstream: string
  readonly id: string
  /** The instance that is meant; absent for all. */
  readonly url?: string
}

/** What a supervisor changes in the course of things: see StranglerGateway. */
interface Holding {
  lead(upstream: string, urls: readonly URL[]): void
  hold(upstream: string, id: string, url?: string): Promise<boolean>
  release(upstream: string, id: string): void
}

/** The end of the channel to the supervisor: this process's own. */
export interface ControlChannel {
  on(event: 'message', listener: (message: unknown) => void): unknown
  send?: ((message: object) => unknown) | undefined
}

/** Answers `lead` by `led` once new requests go to these instances alone, `hold` by `held` once requests in flight have finished, and `release` by `released`. Other messages are not for the gateway. */
export function listenToControl(channel: ControlChannel, gateway: Holding): void {
  if (channel.send === undefined) return
  const answer = (message: object) => channel.send?.(message)
  channel.on('message', (message) => {
    if (isLead(message)) {
      const { upstream, urls } = message
      gateway.lead(
        upstream,
        urls.map((url) => new URL(url)),
      )
      answer({ type: 'led', upstream })
      return
    }
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

function isLead(message: unknown): message is { readonly upstream: string; readonly urls: readonly string[] } {
  const { type, upstream, urls } = (typeof message === 'object' && message !== null ? message : {}) as Record<string, unknown>
  return type === 'lead' && typeof upstream === 'string' && Array.isArray(urls) && urls.length > 0 && urls.every((url) => URL.canParse(url))
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
