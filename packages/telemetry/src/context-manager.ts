import type { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'

/**
 * OpenTelemetry's context in one AsyncLocalStorage of ours. The storage is shared with the library's tracing channels
 * (`bindStore`), so that a span begun by either side is the parent of spans begun by the other.
 */
export class StorageContextManager implements ContextManager {
  readonly #storage: AsyncLocalStorage<Context>

  constructor(storage: AsyncLocalStorage<Context>) {
    this.#storage = storage
  }

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => fn.apply(thisArg, args))
  }

  /** Only functions can be bound: an event emitter keeps the context of whoever emits, as everywhere in Node. */
  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target
    const storage = this.#storage
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      return storage.run(context, () => Reflect.apply(target, this, args))
    }
    Object.defineProperty(bound, 'length', { value: target.length, configurable: true })
    return bound as T
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#storage.disable()
    return this
  }
}
