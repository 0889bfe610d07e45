import { Worker } from 'node:worker_threads'
import { type Clock, ConfigurationError, type Random, systemClock, systemRandom, type Timer, UnavailableError } from 'seaworthy/core'
import type { HeaderLine } from './answer-headers.ts'
import { headerLinesOf } from './field-lines.ts'
import { type CredentialsRule, mirroringOf, type SafeRequest } from './safe-request.ts'
import { defaultShadowLimits, type ShadowLimits, type ShadowReport } from './shadow.ts'
import { messageOf, problemOf } from './side-address.ts'
import type { AnswerMessage, FromShadow, ShadowedRoute, ToShadow } from './shadow-messages.ts'

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

class ThreadedShadowing implements Shadowing {
  readonly #onDefect: (error: unknown) => void
  readonly #clock: Clock
  readonly #random: Random
  readonly #heapMbMax: number
  readonly #routes = new Map<string, MirroredRoute>()
  readonly #questions = new Map<number, { resolve(reports: Readonly<Record<string, ShadowReport>>): void; reject(error: unknown): void }>()
  #worker: Worker | undefined
  #restart: Timer | undefined
  /** Offered to the thread and not done with. */
  #outstanding = 0
  #question = 0
  #isDisposed = false

  constructor({ onDefect = () => {}, heapMbMax = 512, clock = systemClock, random = systemRandom }: ShadowingOptions) {
    this.#onDefect = onDefect
    this.#clock = clock
    this.#random = random
    // V8 cannot even begin in much less, and takes the process down with it.
    if (!(heapMbMax >= HEAP_MB_MIN)) throw new ConfigurationError(`heapMbMax is ${heapMbMax}; a thread needs at least ${HEAP_MB_MIN}.`)
    this.#heapMbMax = heapMbMax
    this.#start()
  }

  set(id: string, { share = 1, credentials = 'skip', ...route }: ShadowedRoute & MirrorRules): void {
    const limits = { ...defaultShadowLimits, ...route.limits }
    const problems = problemsOf(route, share, limits)
    if (problems.length > 0) throw new ConfigurationError(`Route ${id} cannot be compared: ${problems.join('; ')}.`)
    const { queueMax, concurrencyMax } = limits
    const counts = { mirrored: 0, notSampled: 0, unsafe: 0, withCredentials: 0, droppedBusy: 0 }
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
    if (this.#outstanding >= outstandingMax) {
      counts.droppedBusy++
      return undefined
    }
    const mirroring = mirroringOf({ method, target, headers: headerLinesOf(lines), ...(host !== undefined && { host }) }, credentials)
    if (!mirroring.mirrors) {
      counts[mirroring.reason === 'credentials' ? 'withCredentials' : 'unsafe']++
      return undefined
    }
    const { request, needsFreshAnswer } = mirroring
    return (answer) => this.#offer(id, there, request, needsFreshAnswer ? undefined : answer)
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

  #offer(id: string, { counts }: MirroredRoute, request: SafeRequest, answer: PassingAnswer | undefined): void {
    if (this.#worker === undefined) return
    counts.mirrored++
    this.#outstanding++
    const message = answer === undefined ? undefined : this.#messageOf(answer)
    this.#tell(
      { type: 'offer', id, request, answer: message },
      message === undefined || message.body === 'too-large' ? [] : [message.body.buffer as ArrayBuffer],
    )
  }

  #messageOf({ status, lines, body }: PassingAnswer): AnswerMessage {
    const headers: readonly HeaderLine[] = headerLinesOf(lines)
    // In memory of its own, so that it can be handed over instead of copied once more.
    return { status, headers, body: body === 'too-large' ? body : new Uint8Array(body), atMs: this.#clock.now() }
  }

  #tellRoute(id: string, { monolith, service, ...others }: ShadowedRoute): void {
    this.#tell({ type: 'route', id, route: { ...others, monolith: messageOf(monolith), service: messageOf(service) } })
  }

  #tell(message: ToShadow, transferred: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transferred)
  }

  #start(): void {
    const worker = new Worker(THREAD, {
      name: 'shadow',
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
    if (message.type === 'done') this.#outstanding--
    else this.#questions.get(message.question)?.resolve(message.reports)
  }

  #onExit(worker: Worker, cause: unknown): void {
    for (const question of this.#questions.values()) question.reject(new UnavailableError('The thread that compares has ended.', { cause }))
    if (this.#isDisposed || this.#worker !== worker) return
    this.#worker = undefined
    this.#outstanding = 0
    this.#onDefect(cause)
    this.#restart = this.#clock.timer(RESTART_MS, () => this.#start(), { keepAlive: false })
  }
}
