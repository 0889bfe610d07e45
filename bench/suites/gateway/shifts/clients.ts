import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'

/** What the clients of a run have done, and what went wrong. */
export interface Tally {
  requests: number
  /** Anything but a whole answer of 200. */
  dropped: number
  readonly acknowledgedWrites: string[]
  /** What was dropped, for whoever looks into it. */
  readonly failures: string[]
}

/** Clients that read and write in turn, one request at a time each, until the signal. */
export async function readAndWrite(
  port: number,
  { clients, signal }: { readonly clients: number; readonly signal: AbortSignal },
): Promise<Tally> {
  const tally: Tally = { requests: 0, dropped: 0, acknowledgedWrites: [], failures: [] }
  const client = async (number: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let turn = 0; !signal.aborted; turn++) {
      const write = turn % 2 === 0 ? `${number}-${turn}` : undefined
      const failure = await ask({ port, agent, user: `user-${number}-${turn % 11}`, write })
      tally.requests++
      if (failure !== undefined) {
        tally.dropped++
        tally.failures.push(failure)
      } else if (write !== undefined) tally.acknowledgedWrites.push(write)
    }
    agent.destroy()
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return tally
}

interface Question {
  readonly port: number
  readonly agent: Agent
  readonly user: string
  readonly write: string | undefined
}

/** @returns why it was not answered, if it was not */
function ask({ port, agent, user, write }: Question): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers = { 'x-user': user, ...(write !== undefined && { 'x-write': write }) }
    const options = { port, agent, headers, host: '127.0.0.1', path: '/reviews/1', method: write === undefined ? 'GET' : 'POST' }
    const sent = request(options, (response) => {
      let body = ''
      response
        .on('data', (chunk: Buffer) => (body += chunk.toString()))
        .on('end', () => resolve(response.statusCode === 200 && body === 'done' ? undefined : `${response.statusCode} ${body}`))
        .on('error', (error) => resolve(error.message))
    })
    sent.on('error', (error) => resolve(error.message))
    sent.end(write === undefined ? undefined : 'x'.repeat(200))
  })
}

/** A WebSocket through the gateway, of which every frame is to come back, in order. */
export class FrameStream {
  readonly #socket: Socket
  #sent = ''
  #received = ''
  frames = 0

  private constructor(socket: Socket) {
    this.#socket = socket.on('data', (chunk: Buffer) => (this.#received += chunk.toString('latin1'))).on('error', () => socket.destroy())
  }

  static async open(port: number, user: string): Promise<FrameStream> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.write(`GET /reviews/live HTTP/1.1\r\nHost: localhost\r\nX-User: ${user}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    const [head] = (await once(socket, 'data')) as [Buffer]
    if (!head.toString().startsWith('HTTP/1.1 101 ')) throw new Error(`The WebSocket was refused: ${head.toString().slice(0, 80)}`)
    return new FrameStream(socket)
  }

  /** Sends a text frame (RFC 6455, section 5.2); its mask is none, so that it comes back as it is. */
  send(): void {
    const payload = `frame ${this.frames++}`
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)])
    this.#sent += frame.toString('latin1')
    this.#socket.write(frame)
  }

  get isWhole(): boolean {
    return this.#received.length >= this.#sent.length || this.#socket.destroyed
  }

  /** Frames that did not come back, or after which something else came. */
  get lost(): number {
    let whole = 0
    const begin = String.fromCharCode(0x81)
    const [sent, received] = [this.#sent.split(begin), this.#received.split(begin)]
    while (whole < sent.length && sent[whole] === received[whole]) whole++
    return sent.length - whole
  }

  close(): void {
    this.#socket.destroy()
  }
}
