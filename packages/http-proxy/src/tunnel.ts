import type { Socket } from 'node:net'
import type { WheelTimer } from './timer-wheel.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** A client and an upstream that speak a protocol of their own. */
export interface TunnelOptions {
  readonly client: Socket
  readonly connection: UpstreamConnection
  /** Limits the silence of both; whoever fires it destroys the client. */
  readonly timer: WheelTimer
  readonly silenceTimeoutMs: number
}

/** Passes bytes both ways with back-pressure. The end of one side is passed on; when either is gone, so is the other. */
export function tunnel({ client, connection, timer, silenceTimeoutMs }: TunnelOptions): void {
  const upstream = connection.socket
  const pass = (bytes: Buffer, from: Socket, to: Socket) => {
    timer.set(silenceTimeoutMs)
    if (!to.write(bytes)) from.pause()
  }
  const tie = (from: Socket, to: Socket) => {
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.on('close', () => to.destroy())
    from.resume()
  }
  timer.set(silenceTimeoutMs)
  connection.tunnelTo({
    onBytes: (bytes) => pass(bytes, upstream, client),
    get holdsBytes() {
      return client.writableLength > 0
    },
  })
  client.on('data', (chunk: Buffer) => pass(chunk, client, upstream))
  tie(client, upstream)
  tie(upstream, client)
}
