import { Agent, request as httpRequest } from 'node:http'
import { type Clock, rootContext, TimeoutError, UnavailableError } from 'seaworthy/core'
import { countWindow, policy } from 'seaworthy/resilience'
import type { ReceivedAnswer } from './answer.ts'
import type { HeaderLine } from './answer-headers.ts'
import type { Ask, SafeRequest } from './safe-request.ts'

export interface HttpAskOptions {
  /** Whose answers these are, for errors. */
  readonly name: string
  /** `http://HOST:PORT`. */
  readonly url: URL
  /** Until the answer is there whole. */
  readonly timeoutMs: number
  readonly concurrencyMax: number
  readonly bodyBytesMax: number
  readonly clock: Clock
}

/** Asks a side over HTTP, by a policy: with its own time limit, so many at a time, and not while it is down. */
export function httpAsk({ name, url, timeoutMs, concurrencyMax, bodyBytesMax, clock }: HttpAskOptions): Ask & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrencyMax, timeout: 4_000 })
  const guard = policy(
    {
      timeout: { attemptMs: timeoutMs },
      circuitBreaker: { failureRate: 0.5, window: countWindow(20), openMs: 5_000, probesMax: 1 },
      bulkhead: { concurrencyMax, queueMax: concurrencyMax * 4 },
    },
    { name: `shadow ${name}`, clock },
  )
  const ask: Ask = (request, signal) =>
    guard.run((call) => {
      const either = call.signal === undefined ? signal : AbortSignal.any([signal, call.signal])
      return exchange({ name, url, agent, bodyBytesMax, clock }, request, either)
      // Of its own: what a client had left of its time is none of its business.
    }, rootContext())
  return Object.assign(ask, { [Symbol.dispose]: () => agent.destroy() })
}

interface Side {
  readonly name: string
  readonly url: URL
  readonly agent: Agent
  readonly bodyBytesMax: number
  readonly clock: Clock
}

function exchange(
  { name, url, agent, bodyBytesMax, clock }: Side,
  { method, target, headers }: SafeRequest,
  signal: AbortSignal,
): Promise<ReceivedAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(signal.aborted ? reasonOf(signal) : new UnavailableError(`${name} gave no answer: ${cause.message}.`, { cause }))
    const sent = httpRequest(
      // A raw list keeps repeated headers apart, and the host is that of the side.
      { host: url.hostname, port: url.port, method, path: target, agent, signal, headers: ['host', url.host, ...headers.flat()] },
      (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          // Read on to its end, so that the connection can be used again, and thrown away.
          if (bytes <= bodyBytesMax) chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () => {
          if (!response.complete) fail(new Error('it broke off'))
          else {
            const body = bytes > bodyBytesMax ? ('too-large' as const) : Buffer.concat(chunks)
            resolve({ status: response.statusCode!, headers: pairsOf(response.rawHeaders), body, atMs: clock.now() })
          }
        })
      },
    )
    sent.on('error', fail)
    sent.end()
  })
}

const reasonOf = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new TimeoutError('It took too long.', 0))

function pairsOf(raw: readonly string[]): HeaderLine[] {
  return Array.from({ length: raw.length / 2 }, (_, index): HeaderLine => [raw[index * 2]!, raw[index * 2 + 1]!])
}
