import type { Server as HttpNodeServer } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { ConditionVariable, nextMacrotask, UnknownOutcomeError } from 'seaworthy/core'
import type { ServerLog } from '../server-log.ts'
import type { Exchange } from './exchange.ts'

export interface DrainOptions {
  /** How long requests in flight may take to finish, in milliseconds. Default 3,000. After that their handlers are told by their signals, and cut off a moment later. */
  readonly timeoutMs?: number
  /** How long a connection that is kept alive may stay silent before it is closed, in milliseconds. Default 200. */
  readonly lingerMs?: number
}

const TIMEOUT_MS = 3_000
const LINGER_MS = 200
/** How long a handler that was told to end may take to say what it knows. */
const LAST_WORD_MS = 200
const QUIET_TURNS_MAX = 50

/** What a server has open: its connections, and the requests in flight on them. It knows how to come to an end without failing anybody. */
export class Intake {
  readonly exchanges = new Set<Exchange>()
  readonly #server: HttpNodeServer
  readonly #sockets = new Set<Socket>()
  readonly #changed = new ConditionVariable()
  #connections = 0
  #requests = 0
  #refusing = false

  constructor(server: HttpNodeServer) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#connections++
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#changed.notify()
      })
    })
  }

  /** True from when it no longer listens: whoever is refused then cannot come back through a new connection. */
  get refusing(): boolean {
    return this.#refusing
  }

  opened(exchange: Exchange): void {
    this.#requests++
    this.exchanges.add(exchange)
  }

  ended(exchange: Exchange): void {
    this.exchanges.delete(exchange)
    this.#changed.notify()
  }

  /** Stops listening, lets open connections speak once more, waits for what is in flight, closes everything. */
  async drain({ timeoutMs = TIMEOUT_MS, lingerMs = LINGER_MS }: DrainOptions, log: ServerLog): Promise<void> {
    const server = this.#server
    await this.#quietTurn(() => this.#connections)
    // http.Server's own close() also closes idle connections at once, under requests that are on their way on them.
    if (server.listening) NetServer.prototype.close.call(server)
    // Not before: clients that are refused come back at once, and would crowd the door that is about to close.
    this.#refusing = true
    await this.#changed.until(() => this.#sockets.size === 0, lingerMs)
    await this.#quietTurn(() => this.#requests)
    server.closeIdleConnections()
    await this.#changed.until(() => this.exchanges.size === 0, timeoutMs)
    if (this.exchanges.size > 0) {
      log.warn({ requests: this.exchanges.size, timeoutMs }, 'The drain took too long: what is in flight is cut off.')
      // Never "not executed": a handler hands it on, whatever it has done by then, and whoever believed that would ask for it again.
      const reason = new UnknownOutcomeError(
        `The server stops, and the request was not finished within ${timeoutMs} ms. It may have been executed.`,
      )
      for (const exchange of this.exchanges) exchange.abort(reason)
      await this.#changed.until(() => this.exchanges.size === 0, LAST_WORD_MS)
    }
    await this.#quietTurn(() => this.#requests)
    server.closeAllConnections()
  }

  /**
   * Settles right after a turn of the event loop that brought no arrival: what is closed now is closed within microseconds of
   * having asked the kernel. Else a connection that waits to be accepted, or a request that waits to be read, is reset, and its
   * client cannot know that it was not executed.
   */
  async #quietTurn(arrivals: () => number): Promise<void> {
    for (let turn = 0; turn < QUIET_TURNS_MAX; turn++) {
      const before = arrivals()
      await new Promise<void>((resolve) => void nextMacrotask(resolve))
      // The first turn may have begun before the kernel was asked.
      if (turn > 0 && arrivals() === before) return
    }
  }
}
