import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http'
import {
  type CallContext,
  remainingMs,
  type SeaworthyError,
  systemClock,
  type Timer,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { BadAnswerError } from 'seaworthy/http'

/** One HTTP request, complete. */
export interface OutgoingRequest {
  /** Names it in messages. */
  readonly what: string
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly agent: Agent
  readonly connectTimeoutMs: number
  readonly answerBytesMax: number
  /** Its deadline and its signal end the wait. */
  readonly call: CallContext
}

/** An answer whose body was read to its end. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly header: (name: string) => string | undefined
  readonly text: string
}

/**
 * Sends a request and reads the whole answer.
 * What is known when that fails depends on one thing: whether there was a connection to write to. Before that nothing
 * was sent, so nothing was executed; after it, nobody can tell.
 */
export function sendRequest(outgoing: OutgoingRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => new Sending(outgoing, resolve, reject))
}

class Sending {
  readonly #outgoing: OutgoingRequest
  readonly #resolve: (answer: RawAnswer) => void
  readonly #reject: (error: unknown) => void
  readonly #request: ClientRequest
  readonly #timers: Timer[] = []
  readonly #onAbort = () => this.#fail(this.#outgoing.call.signal?.reason)
  #sent = false
  #open = true

  constructor(outgoing: OutgoingRequest, resolve: (answer: RawAnswer) => void, reject: (error: unknown) => void) {
    this.#outgoing = outgoing
    this.#resolve = resolve
    this.#reject = reject
    const { url, call } = outgoing
    const options: RequestOptions = { agent: outgoing.agent, method: outgoing.method, headers: { ...outgoing.headers } }
    this.#request = url.protocol === 'https:' ? process.getBuiltinModule('node:https').request(url, options) : httpRequest(url, options)
    this.#request.once('socket', (socket) => {
      if (!socket.connecting) {
        this.#sent = true
        return
      }
      const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect'
      const timer = systemClock.timer(outgoing.connectTimeoutMs, () => {
        this.#fail(this.#unavailable(`no connection within ${outgoing.connectTimeoutMs} ms`))
      })
      this.#timers.push(timer)
      socket.once(connected, () => {
        this.#sent = true
        timer.cancel()
      })
    })
    this.#request.on('error', (error) => this.#broken(error))
    this.#request.once('response', (response) => this.#read(response))
    const leftMs = remainingMs(call)
    if (leftMs !== Number.POSITIVE_INFINITY) {
      this.#timers.push(systemClock.timer(leftMs, () => this.#expired(leftMs)))
    }
    if (call.signal?.aborted === true) {
      this.#onAbort()
      return
    }
    call.signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#request.end(outgoing.body)
  }

  #read(response: IncomingMessage): void {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > this.#outgoing.answerBytesMax) this.#fail(this.#answerTooLarge(response))
    })
    response.on('error', (error) => this.#broken(error))
    response.once('end', () => {
      if (!this.#close()) return
      const header = (name: string) => {
        const value = response.headers[name]
        return Array.isArray(value) ? value.join(', ') : value
      }
      this.#resolve({
        status: response.statusCode!,
        header,
        headers: Object.fromEntries(Object.keys(response.headers).map((name) => [name, header(name)!])),
        text: Buffer.concat(chunks).toString('utf8'),
      })
    })
  }

  #answerTooLarge(response: IncomingMessage): SeaworthyError {
    const { what, answerBytesMax } = this.#outgoing
    const message = `${what} answered with more than ${answerBytesMax} bytes (answerBytesMax).`
    return response.statusCode! < 400 ? new BadAnswerError(message) : new UnknownOutcomeError(message)
  }

  #expired(timeoutMs: number): void {
    const { what } = this.#outgoing
    const ms = Math.round(timeoutMs)
    this.#fail(
      this.#sent
        ? new TimeoutError(`${what} did not answer within the ${ms} ms that were left. It may have been executed.`, ms)
        : new TimeoutError(`${what} could not be sent within the ${ms} ms that were left.`, ms, { executed: 'no' }),
    )
  }

  #broken(cause: Error): void {
    const { what } = this.#outgoing
    const reason = reasonOf(cause)
    this.#fail(
      this.#sent
        ? new UnknownOutcomeError(`${what} was sent, and the connection broke before the answer: ${reason}. It may have been executed.`, {
            cause,
          })
        : this.#unavailable(reason, cause),
    )
  }

  #unavailable(reason: string, cause?: Error): UnavailableError {
    return new UnavailableError(
      `${this.#outgoing.what} cannot be reached: ${reason}. Nothing was sent.`,
      cause === undefined ? {} : { cause },
    )
  }

  #fail(error: unknown): void {
    if (!this.#close()) return
    this.#reject(error)
    this.#request.destroy()
  }

  /** @returns false when it was closed before */
  #close(): boolean {
    if (!this.#open) return false
    this.#open = false
    for (const timer of this.#timers) timer.cancel()
    this.#outgoing.call.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}

/** The system's code alone: its message names addresses, which the cause keeps. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message
}
