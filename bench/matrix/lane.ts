import { createHash } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { readFrames } from './http2/reading.ts'
import { ACCEPT, DROP, type MatrixCase, OK, type Seen, THEN_CLOSE, THEN_RESET } from './matrix-case.ts'
import { type ReadRequest, readRequests, statusesIn } from './message-reader.ts'

const PATIENCE_MS = 250
const DRIP_MS = 100
const CLOSE_MS = 20
const TURN_MS = 10

/** An upstream that reads by the strict grammar, remembers every byte, and does what a case says. A case at a time. */
export class Lane {
  readonly port: number
  readonly #server: Server
  readonly #received = new Map<Socket, string>()
  #acts: readonly string[] = [OK]
  #asked = 0

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket: Socket) => this.#accept(socket))
  }

  static async open(): Promise<Lane> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Lane(server)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#received.keys()) socket.destroy()
  }

  /** Plays a case through the proxy at that port. */
  async play({ send, acts, protocol, patienceMs = PATIENCE_MS, drips = false }: MatrixCase, proxyPort: number): Promise<Seen> {
    // Connections of earlier cases would bring bytes of theirs.
    const open = [...this.#received.keys()].filter((socket) => !socket.closed)
    await Promise.all(open.map((socket) => once(socket.destroy(), 'close')))
    // And the proxy has to notice that they are gone.
    if (open.length > 0) await pause(CLOSE_MS)
    this.#received.clear()
    this.#acts = acts
    this.#asked = 0
    const { answer, end } = await converse(send, { proxyPort, patienceMs, drips })
    const said = protocol === 'h2' ? readFrames(answer) : { answer, statuses: statusesIn(answer), isReset: false }
    const readings = [...this.#received.values()].map(readRequests)
    return {
      requests: readings.flatMap(({ requests }) => requests),
      flaw: readings.find(({ flaw }) => flaw !== undefined)?.flaw,
      answer: said.answer,
      statuses: said.statuses,
      end: said.isReset ? 'reset' : end,
      upstreamConnections: this.#received.size,
    }
  }

  #accept(socket: Socket): void {
    this.#received.set(socket, '')
    let answered = 0
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      const text = (this.#received.get(socket) ?? '') + chunk.toString('latin1')
      this.#received.set(socket, text)
      const { requests, flaw, rest } = readRequests(text)
      while (answered < requests.length) {
        const act = this.#acts[Math.min(this.#asked++, this.#acts.length - 1)]!
        this.#act(socket, act.replace(ACCEPT, proofOf(requests[answered++]!)))
      }
      // Waits for 100 Continue, and is answered without.
      if (/\r\nexpect: 100-continue\r\n(?:[^]*\r\n)?\r\n$/i.test(rest)) this.#act(socket, this.#acts[0]!)
      // A program that reads it in some way would answer; which way is what the flaw says.
      if (flaw !== undefined) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nflaw')
    })
    socket.on('end', () => socket.end())
  }

  #act(socket: Socket, act: string): void {
    if (act === DROP) {
      socket.destroy()
      return
    }
    if (act.endsWith(THEN_CLOSE)) socket.end(act.slice(0, -THEN_CLOSE.length), 'latin1')
    else if (act.endsWith(THEN_RESET))
      socket.write(act.slice(0, -THEN_RESET.length), 'latin1', () => setTimeout(() => socket.resetAndDestroy(), 20))
    else socket.write(act, 'latin1')
  }
}

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function proofOf({ headers }: ReadRequest): string {
  const key = headers.find(([name]) => name === 'sec-websocket-key')?.[1] ?? ''
  return createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')
}

interface Conversation {
  readonly proxyPort: number
  readonly patienceMs: number
  readonly drips: boolean
}

async function converse(
  parts: readonly string[],
  { proxyPort, patienceMs, drips }: Conversation,
): Promise<{ readonly answer: string; readonly end: Seen['end'] }> {
  const socket = connect({ port: proxyPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let answer = ''
  let end: Seen['end'] = 'open'
  let wake = () => {}
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1')
    wake()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => (end = error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : 'closed'))
  const over = new Promise<void>((resolve) => {
    socket.on('end', () => {
      if (end === 'open') end = 'closed'
      resolve()
    })
    socket.on('close', () => {
      if (end === 'open') end = 'closed'
      resolve()
    })
  })
  const dripping = drips ? setInterval(() => socket.write(parts.at(-1)!, 'latin1'), DRIP_MS) : undefined
  for (const [index, part] of parts.entries()) {
    if (index > 0 && !drips) await Promise.race([over, new Promise<void>((resolve) => (wake = resolve)), pause(PATIENCE_MS)])
    if (end === 'open') socket.write(part, 'latin1')
  }
  await Promise.race([over, untilQuiet(patienceMs, () => answer.length)])
  clearInterval(dripping)
  socket.destroy()
  return { answer, end }
}

/** Nothing has come for that long, counted in turns of the event loop: a machine that stood still for a moment has not been quiet. */
async function untilQuiet(quietMs: number, read: () => number): Promise<void> {
  let before = read()
  for (let quiet = 0; quiet < quietMs; quiet += TURN_MS) {
    await pause(TURN_MS)
    if (read() !== before) quiet = 0
    before = read()
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
