import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What went both ways on one connection to the upstream, as latin1. */
export interface Traffic {
  asked: string
  answered: string
}

/** Stands between the proxy and an upstream and keeps what passes. */
export interface Relay {
  readonly port: number
  /** What passed since the last call, a piece for each connection. */
  readonly take: () => readonly Traffic[]
  readonly close: () => void
}

export async function startRelay(upstreamPort: number): Promise<Relay> {
  const traffic = new Map<Socket, Traffic>()
  const server = createServer((near) => {
    const far = connect({ port: upstreamPort, host: '127.0.0.1', noDelay: true })
    const seen: Traffic = { asked: '', answered: '' }
    traffic.set(near, seen)
    near.setNoDelay()
    near.on('data', (chunk: Buffer) => {
      seen.asked += chunk.toString('latin1')
      far.write(chunk)
    })
    far.on('data', (chunk: Buffer) => {
      seen.answered += chunk.toString('latin1')
      near.write(chunk)
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    take: () => {
      const taken = [...traffic.values()].map((each) => ({ ...each }))
      for (const [socket, seen] of traffic) {
        if (socket.destroyed) traffic.delete(socket)
        seen.asked = ''
        seen.answered = ''
      }
      return taken
    },
    close: () => {
      server.close()
      for (const socket of traffic.keys()) socket.destroy()
    },
  }
}
