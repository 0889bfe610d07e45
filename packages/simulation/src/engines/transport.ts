import {
  type CallContext,
  type Propagated,
  type Timer,
  TimeoutError,
  UnavailableError,
  assertTimeLeft,
  contextOrRoot,
  propagated,
  remainingMs,
  withContext,
} from 'seaworthy/core'
import type { FaultKind } from '../faults/fault.ts'
import { labelOf } from '../kernel/execution-index.ts'
import { drawBetween } from '../kernel/hash.ts'
import type { Outcome } from '../kernel/history.ts'
import { stackless } from '../kernel/stackless.ts'
import type { Incarnation } from '../world/incarnation.ts'
import { type WireError, brokenConnection, fromWire, refusedByNobody, throughJson, toWire } from './wire-error.ts'

/** What a node answers to: `handlers[method](request, context)`. */
export type Handlers = Readonly<Record<string, (request: never, context: CallContext) => Promise<unknown>>>

/** Finds out who answers for a node now; undefined while it is down or starting. */
export interface Directory {
  lookUp(node: string): { readonly incarnation: Incarnation; readonly handlers: Handlers } | undefined
}

/** A callee's methods as the caller's own port: `client.reserve(request, call)`. */
export type ClientOf<Api> = {
  readonly [Method in keyof Api]: Api[Method] extends (request: infer Request, ...rest: never[]) => infer Answer
    ? (request: Request, context?: CallContext) => Answer
    : never
}

/** Requests and responses between nodes. Values go through JSON; context and deadline cross as they do on a real wire. */
export interface Transport {
  /** @throws what the other side threw, as far as a wire tells; UnavailableError when nobody is there; TimeoutError; UnknownOutcomeError */
  call<Answer = unknown>(node: string, method: string, request: unknown, context?: CallContext): Promise<Answer>
  /** The methods of a node as functions, in the shape of an application's port. */
  client<Api extends object>(node: string): ClientOf<Api>
}

const REQUEST_FAULTS: readonly FaultKind[] = [
  'crash',
  'lose',
  'duplicate',
  'reorder',
  'delay',
  'partition',
  'partition-one-way',
  'pause',
  'clock-forward',
  'clock-back',
]
const REPLY_FAULTS: readonly FaultKind[] = ['crash', 'lose-reply', 'delay']
const LATENCY_MS = [0.2, 8] as const
const REORDER_MS = [10, 400] as const
const DELAY_MS = [10_000, 70_000] as const
/** How long a caller without a deadline waits. */
const PATIENCE_MS = 30_000

/** The transport of one process. */
export function transportOf(caller: Incarnation, directory: Directory): Transport {
  const call = <Answer>(node: string, method: string, request: unknown, context?: CallContext) =>
    new Call(caller, directory, node, method, context ?? contextOrRoot()).send(request) as Promise<Answer>
  return {
    call,
    client: <Api extends object>(node: string) =>
      new Proxy(Object.create(null) as ClientOf<Api>, {
        get: (_, method) =>
          typeof method === 'string' ? (request: unknown, context?: CallContext) => call(node, method, request, context) : undefined,
      }),
  }
}

/** One request and its answer. */
class Call {
  readonly #caller: Incarnation
  readonly #directory: Directory
  readonly #callee: string
  readonly #method: string
  readonly #context: CallContext
  readonly #id: number
  readonly #settled = Promise.withResolvers<unknown>()
  #open = true
  #index = ''
  #timer: Timer | undefined
  #onAbort: (() => void) | undefined

  constructor(caller: Incarnation, directory: Directory, callee: string, method: string, context: CallContext) {
    this.#caller = caller
    this.#directory = directory
    this.#callee = callee
    this.#method = method
    this.#context = context
    this.#id = caller.world.nextCallId()
  }

  send(request: unknown): Promise<unknown> {
    const caller = this.#caller
    if (!caller.alive) return caller.never()
    const { signal, idempotencyKey } = this.#context
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    try {
      assertTimeLeft(this.#context, `${this.#callee}.${this.#method}`, caller.clock)
    } catch (error) {
      return Promise.reject(error)
    }
    const label = labelOf(`${this.#callee}.${this.#method}`)
    const { index, fault } = caller.point(`transport:${label}:request`, REQUEST_FAULTS, {
      peer: this.#callee,
    })
    if (!caller.alive) return caller.never()
    this.#index = index
    const sent = throughJson(request)
    caller.record({
      kind: 'request',
      callId: this.#id,
      method: this.#method,
      request: sent,
      key: idempotencyKey,
      peer: this.#callee,
      index,
    })
    this.#listen()
    // A process that stands still before it sends: the request leaves when it goes on.
    const leavesInMs = Math.max(0, caller.pausedUntilMs - caller.world.scheduler.nowMs)
    const extraMs = fault === 'delay' ? this.#draw('delay', DELAY_MS) : fault === 'reorder' ? this.#draw('reorder', REORDER_MS) : 0
    caller.world.scheduler.after(leavesInMs, () => {
      if (fault === 'lose' || !caller.world.network.reaches(caller.node, this.#callee)) return
      this.#travel(extraMs + this.#draw('there', LATENCY_MS), sent)
      if (fault === 'duplicate') this.#travel(this.#draw('duplicate', REORDER_MS), throughJson(sent))
    })
    // What has left takes effect, whatever becomes of its sender.
    caller.point(`transport:${label}:sent`, ['crash'])
    return caller.alive ? this.#settled.promise : caller.never()
  }

  #travel(afterMs: number, request: unknown): void {
    this.#caller.world.scheduler.after(afterMs, () => this.#arrive(request))
  }

  #arrive(request: unknown): void {
    const target = this.#directory.lookUp(this.#callee)
    if (target === undefined) {
      this.#comeBack(this.#draw('back', LATENCY_MS), { kind: 'failed', error: refusedByNobody(this.#callee) })
      return
    }
    const { incarnation, handlers } = target
    // Who stands still reads its socket when it goes on.
    const stillMs = incarnation.pausedUntilMs - this.#caller.world.scheduler.nowMs
    if (stillMs > 0) {
      this.#travel(stillMs, request)
      return
    }
    incarnation.record({ kind: 'delivery', callId: this.#id, method: this.#method, peer: this.#caller.node })
    // A connection breaks when the process at its other end dies, and its caller sees that.
    const forget = incarnation.onDeath(() => {
      this.#comeBack(this.#draw('broken', LATENCY_MS), { kind: 'failed', error: brokenConnection(this.#callee) })
    })
    void incarnation.run(() => this.#handle(incarnation, handlers, request, forget))
  }

  async #handle(callee: Incarnation, handlers: Handlers, request: unknown, forget: () => void): Promise<void> {
    const context = this.#contextAt(callee)
    const handler = handlers[this.#method] as ((request: unknown, context: CallContext) => Promise<unknown>) | undefined
    let answer: Answer
    try {
      if (handler === undefined) throw new UnavailableError(`${this.#callee} has no method ${this.#method}.`)
      const result = await withContext(context, () => handler(request, context))
      answer = { kind: 'done', result: throughJson(result) }
    } catch (error) {
      answer = { kind: 'failed', error: toWire(error) }
    }
    forget()
    this.#reply(callee, answer)
  }

  #reply(callee: Incarnation, answer: Answer): void {
    if (!callee.alive) return
    const { index, fault } = callee.point(`transport:${labelOf(this.#method)}:reply`, REPLY_FAULTS, { peer: this.#caller.node })
    if (!callee.alive) return
    callee.record({ kind: 'reply', callId: this.#id, method: this.#method, outcome: outcomeOf(answer), peer: this.#caller.node, index })
    if (fault === 'lose-reply' || !callee.world.network.reaches(callee.node, this.#caller.node)) return
    this.#comeBack((fault === 'delay' ? this.#draw('late', DELAY_MS) : 0) + this.#draw('back', LATENCY_MS), answer)
  }

  #comeBack(afterMs: number, answer: Answer): void {
    if (!this.#open) return
    this.#caller.world.scheduler.after(
      afterMs,
      () => {
        if (answer.kind === 'done') this.#end(answer, () => this.#settled.resolve(answer.result))
        else this.#end(answer, () => this.#settled.reject(fromWire(answer.error)))
      },
      { owner: this.#caller },
    )
  }

  /** Ends the wait at the deadline, or when the caller gives up. */
  #listen(): void {
    const { signal } = this.#context
    const leftMs = Math.min(remainingMs(this.#context, this.#caller.clock), PATIENCE_MS)
    this.#timer = this.#caller.clock.timer(leftMs, () => {
      const message = `${this.#callee}.${this.#method} did not answer within ${Math.round(leftMs)} ms.`
      const late = stackless(() => new TimeoutError(message, leftMs))
      this.#end({ kind: 'failed', error: toWire(late) }, () => this.#settled.reject(late))
    })
    if (signal === undefined) return
    // Not assigned as it is made: V8 would keep it, and with it all of the history, until a major collection.
    const onAbort = () => this.#end({ kind: 'failed', error: toWire(signal.reason) }, () => this.#settled.reject(signal.reason))
    this.#onAbort = onAbort
    signal.addEventListener('abort', onAbort, { once: true })
  }

  #stopListening(): void {
    this.#timer?.cancel()
    if (this.#onAbort !== undefined) this.#context.signal?.removeEventListener('abort', this.#onAbort)
  }

  #end(answer: Answer, settle: () => void): void {
    if (!this.#open || !this.#caller.alive) return
    this.#open = false
    this.#stopListening()
    this.#caller.record({ kind: 'answer', callId: this.#id, method: this.#method, outcome: outcomeOf(answer), peer: this.#callee })
    settle()
  }

  /** The context as its headers tell it on the other side: time left, not the time of day; a signal of its own. */
  #contextAt(callee: Incarnation): CallContext {
    const fields: Propagated = propagated(this.#context)
    const leftMs = remainingMs(this.#context, this.#caller.clock)
    return {
      ...fields,
      ...(Number.isFinite(leftMs) && { deadlineMs: callee.clock.monotonicMs() + leftMs }),
      ...(this.#context.idempotencyKey !== undefined && { idempotencyKey: this.#context.idempotencyKey }),
    }
  }

  #draw(what: string, [from, to]: readonly [number, number]): number {
    return drawBetween(this.#caller.world.seed, `${what} ${this.#index}`, from, to)
  }
}

type Answer = { readonly kind: 'done'; readonly result: unknown } | { readonly kind: 'failed'; readonly error: WireError }

function outcomeOf(answer: Answer): Outcome {
  return answer.kind === 'done'
    ? answer
    : { kind: 'failed', error: `${answer.error.code}: ${answer.error.message}`, executed: answer.error.executed }
}
