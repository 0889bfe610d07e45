import { connect } from 'node:net'
import { createHttpProxy, type HttpProxy } from '@seaworthy/http-proxy'
import { statusesIn } from '../matrix/message-reader.ts'
import { answersDue } from './judge.ts'
import { type Relay, startRelay, type Traffic } from './relay.ts'

/** How it ended: the proxy closed, all answers were there, or neither within the time. */
type End = 'closed' | 'answers' | 'neither'

/** What was seen of an input, on both sides of the proxy. */
export interface Tried {
  /** As latin1. */
  readonly answer: string
  readonly end: End
  readonly traffic: readonly Traffic[]
  /** Of the proxy. */
  readonly defect: unknown
}

/** A proxy of its own before an upstream, and what passes between the two. One input at a time. */
export class FuzzLane {
  readonly #relay: Relay
  readonly #proxy: HttpProxy
  readonly #port: number
  readonly #defects: unknown[]

  private constructor(parts: { relay: Relay; proxy: HttpProxy; port: number; defects: unknown[] }) {
    this.#relay = parts.relay
    this.#proxy = parts.proxy
    this.#port = parts.port
    this.#defects = parts.defects
  }

  static async open(upstreamPort: number): Promise<FuzzLane> {
    const relay = await startRelay(upstreamPort)
    const defects: unknown[] = []
    const proxy = createHttpProxy({
      routes: [{ path: '/m/*', service: 'up' }],
      upstreams: new Map([['up', new URL(`http://127.0.0.1:${relay.port}`)]]),
      limits: { drainTimeoutMs: 0, lingerMs: 100 },
      onDefect: (error) => defects.push(error),
    })
    return new FuzzLane({ relay, proxy, port: await proxy.listen(0), defects })
  }

  async try(input: string, { cuts, patienceMs }: { readonly cuts: readonly number[]; readonly patienceMs: number }): Promise<Tried> {
    const answered = await converse(input, { port: this.#port, cuts, patienceMs, answers: answersDue(input) })
    return { ...answered, traffic: this.#relay.take(), defect: this.#defects.pop() }
  }

  async close(): Promise<void> {
    await this.#proxy.drain()
    this.#relay.close()
  }
}

interface Conversation {
  readonly port: number
  readonly cuts: readonly number[]
  readonly patienceMs: number
  /** After so many it is over, even if the connection is not. */
  readonly answers: number | undefined
}

function converse(input: string, { port, cuts, patienceMs, answers }: Conversation): Promise<Pick<Tried, 'answer' | 'end'>> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const finish = (end: End) => {
      clearTimeout(patience)
      socket.removeAllListeners().on('error', () => {})
      socket.destroy()
      resolve({ answer: text, end })
    }
    const patience = setTimeout(() => finish('neither'), patienceMs)
    const look = () => {
      if (answers !== undefined && statusesIn(text).length >= answers) finish('answers')
    }
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      look()
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', () => finish('closed'))
    socket.on('connect', () => {
      void (async () => {
        let at = 0
        for (const cut of [...cuts, input.length]) {
          socket.write(input.slice(at, cut), 'latin1')
          at = cut
          await new Promise(setImmediate)
        }
        look()
      })()
    })
  })
}
