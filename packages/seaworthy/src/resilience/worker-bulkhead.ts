import { Worker } from 'node:worker_threads'
import { type CallContext, type Clock, contextOrRoot, systemClock, TimeoutError, UnknownOutcomeError } from 'seaworthy/core'
import { Bulkhead, type BulkheadSnapshot } from './bulkhead.ts'
import { assertSensible, problemsOf, type Shape } from './declaration-shape.ts'

export interface WorkerBulkheadDeclaration {
  /** Threads at most; each does one task at a time. */
  readonly threadsMax: number
  /** How many tasks may wait, first come, first served. Default 0. */
  readonly queueMax?: number
  /** A task that takes longer is ended together with its thread, in milliseconds. */
  readonly taskMs: number
}

export interface WorkerBulkhead<I, O> extends AsyncDisposable {
  readonly name: string
  readonly declaration: WorkerBulkheadDeclaration
  /**
   * Does a task on a thread of the pool. An abort or the deadline ends the task, its thread with it.
   * @throws BulkheadFullError; TimeoutError; UnknownOutcomeError when the thread ended by itself; what the task threw
   */
  run(task: I, context?: CallContext): Promise<O>
  snapshot(): BulkheadSnapshot & { readonly threads: number }
}

const WORKER_BULKHEAD: Shape = { threadsMax: 'a positive integer', queueMax: 'an integer from 0?', taskMs: 'a positive number' }

/** What a thread answers. */
export type TaskAnswer = { readonly value: unknown } | { readonly error: unknown }

// Beside this file as source and as published.
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './worker-bulkhead-thread.ts' : './worker-bulkhead-thread.js', import.meta.url)

/**
 * Does CPU work on threads of its own. A bulkhead that counts calls cannot hold back work that occupies the event loop: while
 * one request resizes an image, nobody logs in. `module` exports the task by default: `(input) => output`, both of which
 * can be cloned between threads.
 * @throws ConfigurationError
 */
export function workerBulkhead<I, O>(
  module: URL,
  declaration: WorkerBulkheadDeclaration,
  options: { readonly name: string; readonly clock?: Clock },
): WorkerBulkhead<I, O> {
  assertSensible(`Worker bulkhead ${options.name}`, problemsOf('', declaration, WORKER_BULKHEAD))
  return new ThreadPool<I, O>(module, declaration, options.name, options.clock ?? systemClock)
}

class ThreadPool<I, O> implements WorkerBulkhead<I, O> {
  readonly name: string
  readonly declaration: WorkerBulkheadDeclaration
  readonly #module: URL
  readonly #clock: Clock
  readonly #places: Bulkhead
  // Those that do nothing now. A thread keeps the process alive only while it has a task.
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()

  constructor(module: URL, declaration: WorkerBulkheadDeclaration, name: string, clock: Clock) {
    this.name = name
    this.declaration = declaration
    this.#module = module
    this.#clock = clock
    const { threadsMax: concurrencyMax, queueMax = 0 } = declaration
    this.#places = new Bulkhead({ concurrencyMax, queueMax }, name, clock)
  }

  async run(task: I, context: CallContext = contextOrRoot()): Promise<O> {
    context.signal?.throwIfAborted()
    if (!this.#places.tryEnter()) await this.#places.enter(context.deadlineMs ?? Number.POSITIVE_INFINITY, context.signal)
    const worker = this.#idle.pop() ?? this.#newWorker()
    try {
      context.signal?.throwIfAborted()
      const answer = await this.#answerOf(worker, task, context)
      this.#rest(worker)
      if ('error' in answer) throw answer.error
      return answer.value as O
    } finally {
      // The place is free only when the thread is: a thread that is being ended still uses the processor.
      if (!this.#idle.includes(worker)) await this.#end(worker)
      this.#places.leave()
    }
  }

  snapshot(): BulkheadSnapshot & { readonly threads: number } {
    return { ...this.#places.snapshot(), threads: this.#all.size }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle.length = 0
    await Promise.all([...this.#all].map((worker) => this.#end(worker)))
  }

  #answerOf(worker: Worker, task: I, context: CallContext): Promise<TaskAnswer> {
    const leftMs = context.deadlineMs === undefined ? Number.POSITIVE_INFINITY : context.deadlineMs - this.#clock.monotonicMs()
    const timeoutMs = Math.max(0, Math.min(this.declaration.taskMs, leftMs))
    const { signal } = context
    return new Promise((resolve, reject) => {
      const close = () => {
        timer.cancel()
        worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd)
        signal?.removeEventListener('abort', onAbort)
      }
      const onMessage = (answer: TaskAnswer) => {
        close()
        resolve(answer)
      }
      const onEnd = (cause: unknown) => {
        close()
        reject(new UnknownOutcomeError(`A thread of ${this.name} ended in the middle of its task.`, { cause }))
      }
      const onAbort = () => {
        close()
        reject(signal?.reason)
      }
      const timer = this.#clock.timer(timeoutMs, () => {
        close()
        reject(
          new TimeoutError(`A task of ${this.name} took more than ${Math.round(timeoutMs)} ms, and was ended with its thread.`, timeoutMs),
        )
      })
      worker.on('message', onMessage).on('error', onEnd).on('exit', onEnd)
      signal?.addEventListener('abort', onAbort, { once: true })
      worker.ref()
      worker.postMessage(task, [])
    })
  }

  #newWorker(): Worker {
    const worker = new Worker(THREAD, { workerData: { module: this.#module.href } })
    this.#all.add(worker)
    // One that dies while it has nothing to do takes nobody with it.
    worker.on('error', () => {})
    worker.on('exit', () => {
      this.#all.delete(worker)
      const index = this.#idle.indexOf(worker)
      if (index !== -1) this.#idle.splice(index, 1)
    })
    return worker
  }

  #rest(worker: Worker): void {
    worker.unref()
    this.#idle.push(worker)
  }

  async #end(worker: Worker): Promise<void> {
    await worker.terminate()
  }
}
