import { Worker } from 'node:worker_threads'
import { type Clock, ConfigurationError, type Random, systemClock, systemRandom, type Timer, UnavailableError } from 'seaworthy/core'
import { AfterTurn } from './after-turn.ts'
import { headerLinesOf } from './field-lines.ts'
import { type CredentialsRule, mirroringOf, type SafeRequest } from './safe-request.ts'
import { defaultShadowLimits, type ShadowLimits, type ShadowReport } from './shadow.ts'
import { problemOf, messageOf as sideMessageOf } from './side-address.ts'
import type { AnswerMessage, FromShadow, ShadowedRoute, ShadowThreadData, ToShadow } from './shadow-messages.ts'

/** How much of a route's traffic is mirrored. */
export interface MirrorRules {
  /** Of the safe requests, from 0 to 1. Default 1. */
  readonly share?: number
  /** Requests that carry `Authorization` or `Cookie`. Default `skip`. */
  readonly credentials?: CredentialsRule
}

/** A request on its way to the monolith. */
export interface PassingRequest {
  readonly method: string
  readonly target: string
  /** The end-to-end field lines, each with its CRLF. */
  readonly lines: string
  /** What the client asked for by Host. */
  readonly host?: string | undefined
}

/** The monolith's answer, once the client has it. */
export interface PassingAnswer {
  readonly status: number
  readonly lines: string
  readonly body: Uint8Array | 'too-large'
}

export interface MirrorCounts {
  /** Answers that were handed to the comparison. */
  readonly mirrored: number
  readonly notSampled: number
  readonly unsafe: number
  readonly withCredentials: number
  /** As many wait already as may: the comparison is slower than the traffic. */
  readonly droppedBusy: number
  /** A turn of the proxy's event loop took too long: clients wait already. */
  readonly droppedLate: number
}

export interface ShadowingReport extends ShadowReport {
  readonly mirror: MirrorCounts
}

export interface Shadowing extends AsyncDisposable {
  /**
   * Begins to compare a route, or begins anew with other rules: what was learned is forgotten.
   * @throws ConfigurationError naming what does not make sense
   */
  set(id: string, route: ShadowedRoute & MirrorRules): void
  remove(id: string): void
  /**
   * Decides, on the way of a request and without waiting, whether it is compared.
   * @returns who is to be told the answer; undefined where it is not
   */
  tapOf(id: string, request: PassingRequest): ((answer: PassingAnswer) => void) | undefined
  /** By route. @throws UnavailableError when the thread ended; the signal's reason */
  report(signal: AbortSignal): Promise<Readonly<Record<string, ShadowingReport>>>
}

export interface ShadowingOptions {
  /** Hears that the thread ended, and why. It is started anew, and has forgotten what it learned. */
  readonly onDefect?: (error: unknown) => void
  /** Memory of the thread, in megabytes; not below 16. One that needs more ends, and is started anew. Default 512. */
  readonly heapMbMax?: number
  /** When a turn of the event loop takes longer, in milliseconds, what it brought is not compared. Default 20. */
  readonly turnMsMax?: number
  readonly clock?: Clock
  readonly random?: Random
}

// Beside this file as source and as published.
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './shadow-thread.ts' : './shadow-thread.js', import.meta.url)
const RESTART_MS = 1_000
const HEAP_MB_MIN = 16

/**
 * Compares on a thread of its own what passes here: what is left to do on the way of a request is a decision, and a copy of its answer.
 * @throws ConfigurationError
 */
export function shadowing(options: ShadowingOptions = {}): Shadowing {
  return new ThreadedShadowing(options)
}

interface MirroredRoute {
  readonly route: ShadowedRoute
  readonly share: number
  readonly credentials: CredentialsRule
  readonly outstandingMax: number
  readonly counts: { -readonly [name in keyof MirrorCounts]: number }
}

function problemsOf({ monolith, service }: ShadowedRoute, share: number, limits: ShadowLimits): string[] {
  const problems = [monolith, service].flatMap((side) => problemOf(side) ?? [])
  if (!(share >= 0 && share <= 1)) problems.push(`share is ${share}, not a number from 0 to 1`)
  for (const [name, value] of Object.entries(limits))
    if (!(Number.isFinite(value) && value > 0)) problems.push(`${name} is ${value}, not a positive number`)
  return problems
}

/** What is handed to the comparison once the turn that brought it has ended. */
interface Offer {
  readonly id: string
  readonly counts: MirroredRoute['counts']
  readonly request: SafeRequest
  readonly answer: PassingAnswer | undefined
  readonly atMs: number
}

class ThreadedShadowing implements Shadowing {
  readonly #onDefect: (error: unknown) => void
  readonly #clock: Clock
  readonly #random: Random
  readonly #heapMbMax: number
  readonly #routes = new Map<string, MirroredRoute>()
  readonly #questions = new Map<number, { resolve(reports: Readonly<Record<string, ShadowReport>>): void; reject(error: unknown): void }>()
  readonly #offers: AfterTurn<Offer>
  #worker: Worker | undefined
  #restart: Timer | undefined
  /** How many were offered to the thread and are not done with. It counts down itself: to be told of each would wake this thread as often. */
  #outstanding = newCount()
  #question = 0
  #isDisposed = false

  constructor({ onDefect = () => {}, heapMbMax = 512, turnMsMax = 20, clock = systemClock, random = systemRandom }: ShadowingOptions) {
    this.#onDefect = onDefect
    this.#clock = clock
    this.#random = random
    // V8 cannot even begin in much less, and takes the process down with it.
    if (!(heapMbMax >= HEAP_MB_MIN)) throw new ConfigurationError(`heapMbMax is ${heapMbMax}; a thread needs at least ${HEAP_MB_MIN}.`)
    this.#heapMbMax = heapMbMax
    this.#offers = new AfterTurn({
      clock,
      turnMsMax,
      take: (offer) => this.#offer(offer),
      drop: ({ counts }) => void counts.droppedLate++,
    })
    this.#start()
  }

  set(id: string, { share = 1, credentials = 'skip', ...route }: ShadowedRoute & MirrorRules): void {
    const limits = { ...defaultShadowLimits, ...route.limits }
    const problems = problemsOf(route, share, limits)
    if (problems.length > 0) throw new ConfigurationError(`Route ${id} cannot be compared: ${problems.join('; ')}.`)
    const { queueMax, concurrencyMax } = limits
    const counts = { mirrored: 0, notSampled: 0, unsafe: 0, withCredentials: 0, droppedBusy: 0, droppedLate: 0 }
    this.#routes.set(id, { route, share, credentials, outstandingMax: queueMax + concurrencyMax, counts })
    this.#tellRoute(id, route)
  }

  remove(id: string): void {
    this.#routes.delete(id)
    this.#tell({ type: 'remove', id })
  }

  tapOf(id: string, { method, target, lines, host }: PassingRequest): ((answer: PassingAnswer) => void) | undefined {
    const there = this.#routes.get(id)
    if (there === undefined || this.#worker === undefined) return undefined
    const { counts, share, credentials, outstandingMax } = there
    if (share < 1 && this.#random.float() >= share) {
      counts.notSampled++
      return undefined
    }
    if (Atomics.load(this.#outstanding, 0) >= outstandingMax) {
      counts.droppedBusy++
      return undefined
    }
    const mirroring = mirroringOf({ method, target, headers: headerLinesOf(lines), ...(host !== undefined && { host }) }, credentials)
    if (!mirroring.mirrors) {
      counts[mirroring.reason === 'credentials' ? 'withCredentials' : 'unsafe']++
      return undefined
    }
    const { request, needsFreshAnswer } = mirroring
    return (answer) => this.#offers.add({ id, counts, request, answer: needsFreshAnswer ? undefined : answer, atMs: this.#clock.now() })
  }

  async report(signal: AbortSignal): Promise<Readonly<Record<string, ShadowingReport>>> {
    signal.throwIfAborted()
    if (this.#worker === undefined) throw new UnavailableError('The thread that compares has ended, and is about to be started anew.')
    const question = this.#question++
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, ShadowReport>>>()
    const onAbort = () => reject(signal.reason)
    this.#questions.set(question, { resolve, reject })
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#tell({ type: 'report', question })
      const reports = await promise
      return Object.fromEntries(
        [...this.#routes].flatMap(([id, { counts }]) => {
          const report = reports[id]
          return report === undefined ? [] : [[id, { ...report, mirror: { ...counts } }] as const]
        }),
      )
    } finally {
      this.#questions.delete(question)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#restart?.cancel()
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #offer({ id, counts, request, answer, atMs }: Offer): void {
    if (this.#worker === undefined) return
    counts.mirrored++
    Atomics.add(this.#outstanding, 0, 1)
    const message = answer === undefined ? undefined : messageOf(answer, atMs)
    this.#tell(
      { type: 'offer', id, request, answer: message },
      message === undefined || message.body === 'too-large' ? [] : [message.body.buffer as ArrayBuffer],
    )
  }

  #tellRoute(id: string, { monolith, service, ...others }: ShadowedRoute): void {
    this.#tell({ type: 'route', id, route: { ...others, monolith: sideMessageOf(monolith), service: sideMessageOf(service) } })
  }

  #tell(message: ToShadow, transferred: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transferred)
  }

  #start(): void {
    // Of its own for each thread: what one had left undone is not the next one's.
    this.#outstanding = newCount()
    const worker = new Worker(THREAD, {
      name: 'shadow',
      workerData: { outstanding: this.#outstanding } satisfies ShadowThreadData,
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMbMax },
      // A program that was given as a text hands on a flag that no file may be run with.
      ...(process.execArgv.some((flag) => flag.startsWith('--input-type')) && {
        execArgv: process.execArgv.filter((flag) => /^--(?:conditions|disable-warning)=/.test(flag)),
      }),
    })
    // A comparison keeps no process alive.
    worker.unref()
    let cause: unknown
    worker.on('message', (message: FromShadow) => this.#onMessage(message))
    worker.on('error', (error: unknown) => (cause = error))
    worker.on('exit', (code) => this.#onExit(worker, cause ?? new Error(`The thread that compares ended with ${code}.`)))
    this.#worker = worker
    for (const [id, { route }] of this.#routes) this.#tellRoute(id, route)
  }

  #onMessage(message: FromShadow): void {
    this.#questions.get(message.question)?.resolve(message.reports)
  }

  #onExit(worker: Worker, cause: unknown): void {
    for (const question of this.#questions.values()) question.reject(new UnavailableError('The thread that compares has ended.', { cause }))
    if (this.#isDisposed || this.#worker !== worker) return
    this.#worker = undefined
    this.#onDefect(cause)
    this.#restart = this.#clock.timer(RESTART_MS, () => this.#start(), { keepAlive: false })
  }
}

const newCount = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4))

/** In memory of its own, so that it can be handed over instead of copied once more. */
const messageOf = ({ status, lines, body }: PassingAnswer, atMs: number): AnswerMessage => ({
  status,
  headers: headerLinesOf(lines),
  body: body === 'too-large' ? body : new Uint8Array(body),
  atMs,
})
