import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { eventually, VirtualClock } from '@seaworthy/testing'
import { type FaultProxy, type FaultProxyOptions, startFaultProxy } from '@seaworthy/testing/fault-proxy'

/** One end of a TCP connection, and what it has seen. */
class End {
  readonly socket: Socket
  readonly chunks: Buffer[] = []
  /** How the other end went away. */
  over: 'ended' | 'reset' | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk))
    socket.once('end', () => (this.over ??= 'ended'))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => (this.over ??= code === 'ECONNRESET' ? 'reset' : undefined))
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.received.toString()
  }

  async receives(text: string): Promise<void> {
    await eventually(`"${text}" arrives`, () => this.text === text)
  }

  async isOver(how: 'ended' | 'reset'): Promise<void> {
    await eventually(`the connection is ${how}`, () => this.over === how)
  }
}

export interface Rig {
  readonly proxy: FaultProxy
  readonly clock: VirtualClock
  readonly connected: () => Promise<Pair>
}

/** The two ends of a connection through the proxy. */
export interface Pair {
  readonly client: End
  readonly target: End
}

/** A target, a fault proxy in front of it, and a clock that stands still. All gone after the test. */
export async function startRig(t: TestContext, options: Partial<FaultProxyOptions> = {}): Promise<Rig> {
  const clock = new VirtualClock()
  const ends: End[] = []
  const server = createServer({ allowHalfOpen: true })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const proxy = await startFaultProxy({ target: { port }, clock, random: seededRandom(1), ...options })
  t.after(async () => {
    await proxy.close()
    for (const { socket } of ends) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    proxy,
    clock,
    async connected() {
      const arrived = once(server, 'connection') as Promise<[Socket]>
      const client = new End(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }))
      ends.push(client)
      const [socket] = await arrived
      const target = new End(socket)
      ends.push(target)
      return { client, target }
    },
  }
}
