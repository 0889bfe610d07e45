import type { Socket } from 'node:net'
import type { WheelTimer } from './timer-wheel.ts'

/** Two sockets that speak a protocol of their own. */
export interface TunnelOptions {
  readonly client: Socket
  readonly upstream: Socket
  /** Limits the silence of both; whoever fires it destroys the client. */
  readonly timer: WheelTimer
  readonly silenceTimeoutMs: number
}

/** Passes bytes both ways with back-pressure. The end of one side is passed on; when either is gone, so is the other. */
export function tunnel({ client, upstream, timer, silenceTimeoutMs }: TunnelOptions): void {
  const pass = (from: Socket, to: Socket) => {
    from.on('data', (chunk: Buffer) => {
      timer.set(silenceTimeoutMs)
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.on('close', () => to.destroy())
    from.resume()
  }
  timer.set(silenceTimeoutMs)
  pass(client, upstream)
  pass(upstream, client)
}
