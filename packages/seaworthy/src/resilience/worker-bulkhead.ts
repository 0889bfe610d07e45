import { Worker } from 'node:worker_threads'
import {
  assertTimeLeft,
  type CallContext,
  type Clock,
  ConfigurationError,
  contextOrRoot,
  InvalidInputError,
  systemClock,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
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
   * @throws BulkheadFullError; TimeoutError; UnknownOutcomeError when the thread ended by itself; InvalidInputError when the
   * input cannot be cloned; ConfigurationError when the module cannot be used; UnavailableError when the pool was disposed of;
   * what the task threw, as cloning leaves it: an error of the platform keeps its class, one of your own becomes an Error
   */
  run(task: I, context?: CallContext): Promise<O>
  snapshot(): BulkheadSnapshot & { readonly threads: number }
}

const WORKER_BULKHEAD: Shape = { threadsMax: 'a positive integer', queueMax: 'an integer from 0?', taskMs: 'a positive number' }

/** What a thread is asked. */
export interface TaskRequest {
  readonly id: number
  readonly input: unknown
}

/** What a thread answers, under the id of the task: the task may send messages of its own. `unusable`: why the module has no task. */
export type TaskAnswer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: unknown }
  | { readonly unusable: string }
)

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
  #nextTaskId = 0
  #isDisposed = false

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
    assertTimeLeft(context, this.name, this.#clock)
    if (!this.#places.tryEnter()) await this.#places.enter(context.deadlineMs ?? Number.POSITIVE_INFINITY, context.signal)
    return this.#outputOf(await this.#inPlace(task, context))
  }

  snapshot(): BulkheadSnapshot & { readonly threads: number } {
    return { ...this.#places.snapshot(), threads: this.#all.size }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#idle.length = 0
    await Promise.all([...this.#all].map((worker) => worker.terminate()))
  }

  /** Has the task done by a thread, and gives the place up. */
  async #inPlace(task: I, context: CallContext): Promise<TaskAnswer> {
    let worker: Worker | undefined
    try {
      context.signal?.throwIfAborted()
      worker = this.#takeWorker()
      const answer = await this.#answerOf(worker, task, context)
      this.#rest(worker)
      this.#places.leave()
      return answer
    } catch (error) {
      // The place is free only when the thread is: until then it uses the processor. Its caller need not wait for that.
      void Promise.resolve(worker?.terminate()).finally(() => this.#places.leave())
      throw error
    }
  }

  #outputOf(answer: TaskAnswer): O {
    if ('error' in answer) throw answer.error
    if ('unusable' in answer) {
      const what = `The module ${this.#module.href} of worker bulkhead ${this.name} cannot be used`
      throw new ConfigurationError(`${what}: ${answer.unusable}. It is to export the task by default: (input) => output.`)
    }
    return answer.value as O
  }

  #answerOf(worker: Worker, task: I, context: CallContext): Promise<TaskAnswer> {
    const leftMs = context.deadlineMs === undefined ? Number.POSITIVE_INFINITY : context.deadlineMs - this.#clock.monotonicMs()
    const timeoutMs = Math.max(0, Math.min(this.declaration.taskMs, leftMs))
    const { signal } = context
    const id = this.#nextTaskId++
    return new Promise((resolve, reject) => {
      const close = () => {
        timer.cancel()
        worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd)
        signal?.removeEventListener('abort', onAbort)
      }
      const onMessage = (message: TaskAnswer | null | undefined) => {
        if (message?.id !== id) return
        close()
        resolve(message)
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
      try {
        worker.postMessage({ id, input: task } satisfies TaskRequest, [])
      } catch (cause) {
        close()
        // The thread has heard nothing of it, and goes on to the next.
        const { message } = cause as Error
        resolve({ id, error: new InvalidInputError(`A task for ${this.name} cannot be sent to a thread: ${message}`, [], { cause }) })
      }
    })
  }

  #takeWorker(): Worker {
    if (this.#isDisposed) throw new UnavailableError(`Worker bulkhead ${this.name} was disposed of. Nothing was done; make another.`)
    return this.#idle.pop() ?? this.#newWorker()
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
    if (this.#all.has(worker)) this.#idle.push(worker)
  }
}
