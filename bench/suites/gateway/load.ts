import { connect, type Socket } from 'node:net'

export interface Load {
  readonly port: number
  /** Whole requests, made in turn; their answers must all be as long as the first. */
  readonly messages: readonly Buffer[]
  readonly requests: number
  /** Connections, each kept and with one request at a time. */
  readonly concurrency: number
}

/** A GET as a client sends it; `lines` are further header lines, each with its CRLF. */
export const getOf = (path: string, lines = ''): Buffer =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\n${lines}\r\n`,
  )

/** Makes the requests on raw sockets, so that the caller's own cost leaves the processor to the proxy. @throws when an answer is not 200, or not as long as the first */
export async function drive({ port, messages, requests, concurrency }: Load): Promise<void> {
  let begun = 0
  const converse = () =>
    new Promise<void>((resolve, reject) => {
      const next = () => {
        if (begun >= requests) {
          connection.close()
          resolve()
        } else connection.send(messages[begun++ % messages.length]!)
      }
      const connection = new LoadConnection(port, { onOpen: next, onAnswer: next, onFailure: reject })
    })
  await Promise.all(Array.from({ length: concurrency }, converse))
}

interface Listener {
  onOpen(): void
  onAnswer(): void
  onFailure(error: Error): void
}

// What is read is looked at before the next read, so that one buffer serves all connections, and a load leaves little garbage behind.
const READ = Buffer.allocUnsafeSlow(65_536)

/** A kept connection of a load, with one request at a time. All answers on it are alike: the first tells how long each is. */
export class LoadConnection {
  readonly #socket: Socket
  readonly #port: number
  readonly #listener: Listener
  #length = 0
  #received = 0
  #head = ''
  #isClosed = false

  constructor(port: number, listener: Listener) {
    this.#port = port
    this.#listener = listener
    const callback = (bytes: number) => {
      this.#onData(bytes)
      return true
    }
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: READ, callback } })
      .once('connect', () => listener.onOpen())
      .on('error', (error) => this.#fail(error.message))
      .on('close', () => this.#fail('closed the connection'))
  }

  send(message: Buffer): void {
    this.#received = 0
    this.#socket.write(message)
  }

  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #onData(bytes: number): void {
    this.#received += bytes
    if (this.#length === 0) {
      this.#head += READ.toString('latin1', 0, bytes)
      this.#length = lengthOf(this.#head)
      if (this.#length === 0) return
      if (!this.#head.startsWith('HTTP/1.1 200')) return this.#fail(this.#head.slice(0, 60))
    }
    if (this.#received === this.#length) this.#listener.onAnswer()
    else if (this.#received > this.#length) this.#fail(`an answer of ${this.#received} bytes after one of ${this.#length}`)
  }

  #fail(why: string): void {
    if (this.#isClosed) return
    this.close()
    this.#listener.onFailure(new Error(`port ${this.#port}: ${why}`))
  }
}

/** The bytes of the whole message whose beginning this is; 0 while its head is not there. */
function lengthOf(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return 0
  const body = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1]
  if (body === undefined) throw new Error('The answer has no Content-Length.')
  return end + 4 + Number(body)
}
