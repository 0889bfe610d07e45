import { AsyncLocalStorage } from 'node:async_hooks'
import type { TestContext } from 'node:test'
import { type Operation, type OperationChannel, setTraceContextOwner, watchOperations } from 'seaworthy/core'

/** An operation on a database, as telemetry would record it. */
export interface Recorded {
  readonly traceId: string
  readonly spanId: string
  readonly operation: Operation
  readonly error: unknown
  readonly durationMs: number
}

interface Span {
  readonly traceId: string
  readonly spanId: string
}

/** Stands in for telemetry: the operations of this process get spans, within traces that the test begins. */
export class OperationRecorder {
  readonly ended: Recorded[] = []
  readonly #storage = new AsyncLocalStorage<Span>()
  readonly #began = new WeakMap<object, Span & { readonly atMs: number }>()
  #ids = 0

  constructor(t: TestContext, service: string) {
    const stops: (() => void)[] = [
      setTraceContextOwner(
        () => {
          const span = this.#storage.getStore()
          return span === undefined ? undefined : { traceparent: `00-${span.traceId}-${span.spanId}-01` }
        },
        { service },
      ),
    ]
    stops.push(watchOperations((_name, channel) => stops.push(this.#record(channel))))
    t.after(() => {
      for (const stop of stops) stop()
    })
  }

  /** Runs `body` in a trace of its own. */
  inTrace<T>(traceId: string, body: () => T): T {
    return this.#storage.run({ traceId, spanId: this.#id() }, body)
  }

  /** The operations of one trace that have ended. */
  of(traceId: string): readonly Recorded[] {
    return this.ended.filter((each) => each.traceId === traceId)
  }

  #record(channel: OperationChannel): () => void {
    const begin = (operation: Operation): Span => {
      const span = { traceId: this.#storage.getStore()?.traceId ?? '0'.repeat(32), spanId: this.#id() }
      this.#began.set(operation, { ...span, atMs: performance.now() })
      return span
    }
    const subscribers = {
      start: () => undefined,
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: (operation: Operation & { error?: unknown }) => {
        const { atMs, traceId, spanId } = this.#began.get(operation)!
        this.ended.push({ traceId, spanId, operation, error: operation.error, durationMs: performance.now() - atMs })
      },
      error: () => undefined,
    }
    channel.start.bindStore(this.#storage, begin)
    channel.subscribe(subscribers)
    return () => {
      channel.start.unbindStore(this.#storage)
      channel.unsubscribe(subscribers)
    }
  }

  #id(): string {
    return (++this.#ids).toString(16).padStart(16, '0')
  }
}

/** A trace id that a person can tell from others. */
export const traceOf = (number: number) => number.toString(16).padStart(32, 'a')
