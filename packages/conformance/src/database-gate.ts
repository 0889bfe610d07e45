import { type Server, type Socket, connect, createServer } from 'node:net'

/** Bytes that a marker may be torn over. */
const MARKER_BYTES_MAX = 200

type Direction = 'requests' | 'answers'

/** A way to the database on which the kit can hold up what goes there, or what comes back, for all connections at once. */
export class DatabaseGate {
  readonly #server: Server
  readonly #lanes = new Set<Lane>()
  readonly #held = new Set<Direction>()
  readonly #sockets = new Set<Socket>()
  #marker: { readonly text: string; readonly reached: () => void } | undefined
  #port = 0

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer({ noDelay: true }, (client) => {
      const database = connect({ ...target, noDelay: true })
      this.#join('requests', client, database)
      this.#join('answers', database, client)
    })
  }

  static async open(databaseUrl: string): Promise<DatabaseGate> {
    const { hostname, port } = new URL(databaseUrl)
    const gate = new DatabaseGate({ host: hostname, port: port === '' ? 5432 : Number(port) })
    await new Promise<void>((resolve, reject) => {
      gate.#server.once('error', reject)
      gate.#server.listen(0, '127.0.0.1', resolve)
    })
    gate.#port = (gate.#server.address() as { port: number }).port
    return gate
  }

  /** The same database by this way. */
  through(databaseUrl: string): string {
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String(this.#port)
    return url.href
  }

  hold(direction: Direction): void {
    this.#held.add(direction)
  }

  /** Holds all answers from the first that contains `text` on, which itself does not arrive. @returns when it came */
  holdAnswersFrom(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#marker = {
        text,
        reached: () => {
          this.#marker = undefined
          this.hold('answers')
          resolve()
        },
      }
    })
  }

  /** Lets everything on. */
  release(): void {
    this.#held.clear()
    for (const lane of this.#lanes) lane.flush()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(direction: Direction, from: Socket, to: Socket): void {
    const lane = new Lane(to, () => this.#held.has(direction))
    this.#lanes.add(lane)
    this.#sockets.add(from)
    let seen = ''
    from.on('data', (bytes: Buffer) => {
      if (direction === 'answers' && this.#marker !== undefined) {
        seen += bytes.toString('latin1')
        if (seen.includes(this.#marker.text)) this.#marker.reached()
        seen = seen.slice(-MARKER_BYTES_MAX)
      }
      lane.push(bytes)
    })
    from.on('end', () => lane.push(undefined))
    // 'close' follows, and the other side is told by it.
    from.on('error', () => undefined)
    from.once('close', () => {
      this.#lanes.delete(lane)
      this.#sockets.delete(from)
      // What a process that was killed had sent and is held here never arrives.
      if (lane.isHeld || !from.readableEnded) to.destroy()
    })
  }
}

/** One direction of one connection. */
class Lane {
  readonly #to: Socket
  readonly #isHeld: () => boolean
  #waiting: (Buffer | undefined)[] = []

  constructor(to: Socket, isHeld: () => boolean) {
    this.#to = to
    this.#isHeld = isHeld
  }

  get isHeld(): boolean {
    return this.#waiting.length > 0
  }

  /** `undefined` is the end. */
  push(bytes: Buffer | undefined): void {
    this.#waiting.push(bytes)
    if (!this.#isHeld()) this.flush()
  }

  flush(): void {
    for (const bytes of this.#waiting.splice(0)) {
      if (bytes === undefined) this.#to.end()
      else this.#to.write(bytes)
    }
  }
}
