import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { constants, type Http2Stream } from 'node:http2'
import type { WheelTimer } from './timer-wheel.ts'
import type { Tunnels } from './tunnels.ts'
import type { UpstreamTunnel } from './upstream-link.ts'

/** One side of a tunnel: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface TunnelEnd {
  readonly stream: Duplex
  /** Asked once nothing more comes from it: whether it closed its side in order. */
  readonly closedInOrder: () => boolean
  /** Ends it so that the other side sees it broken, as far as its protocol can tell that. */
  readonly breakOff: () => void
}

export interface TunnelOptions {
  readonly client: TunnelEnd
  readonly upstream: UpstreamTunnel
  /** Limits the silence of both; whoever fires it breaks off the client. */
  readonly timer: WheelTimer
  readonly silenceTimeoutMs: number
  readonly tunnels: Tunnels
}

export const socketEnd = (socket: Socket): TunnelEnd => ({
  stream: socket,
  closedInOrder: () => true,
  breakOff: () => socket.destroy(),
})

/** As RFC 8441, section 5, has it: the end of the stream stands for that of a connection, and CANCEL for its reset. */
export const streamEnd = (stream: Http2Stream, closedInOrder: () => boolean): TunnelEnd => ({
  stream,
  closedInOrder,
  breakOff: () => stream.close(constants.NGHTTP2_CANCEL),
})

/** Passes bytes both ways with back-pressure. The end of one side is passed on; when either is gone, so is the other. */
export function tunnel({ client, upstream, timer, silenceTimeoutMs, tunnels }: TunnelOptions): void {
  tunnels.opened()
  client.stream.once('close', () => tunnels.closed())
  const { end: far } = upstream
  const pass = (bytes: Buffer, from: TunnelEnd, to: TunnelEnd) => {
    timer.set(silenceTimeoutMs)
    if (to.stream.writable && !to.stream.write(bytes)) from.stream.pause()
  }
  const tie = (from: TunnelEnd, to: TunnelEnd) => {
    to.stream.on('drain', () => from.stream.resume())
    from.stream.on('end', () => {
      if (from.closedInOrder()) to.stream.end()
      else to.breakOff()
    })
    from.stream.on('close', () => {
      const { writableEnded, writableFinished, readableEnded } = to.stream
      // Both have ended in order. What was sent before may still be on its way; a slow reader of that has the time of the silence.
      if (writableEnded && readableEnded) return
      if (writableEnded && !writableFinished) to.stream.once('finish', to.breakOff)
      else to.breakOff()
    })
    from.stream.resume()
  }
  timer.set(silenceTimeoutMs)
  upstream.readBy({
    onBytes: (bytes) => pass(bytes, far, client),
    get holdsBytes() {
      return client.stream.writableLength > 0
    },
  })
  client.stream.on('data', (chunk: Buffer) => pass(chunk, client, far))
  tie(client, far)
  tie(far, client)
}
