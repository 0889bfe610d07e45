import type { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'
import { bindEmitter } from './bound-emitter.ts'

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

  /** A function runs in `context` whenever it is called; so do the listeners that an event emitter is given from now on. */
  bind<T>(context: Context, target: T): T {
    const storage = this.#storage
    const bound = <F extends (this: unknown, ...args: unknown[]) => unknown>(fn: F) =>
      function (this: unknown, ...args: unknown[]): unknown {
        return storage.run(context, () => Reflect.apply(fn, this, args))
      }
    if (target instanceof EventEmitter) bindEmitter(target, bound)
    if (typeof target !== 'function') return target
    return Object.defineProperty(bound(target as never), 'length', { value: target.length, configurable: true }) as T
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#storage.disable()
    return this
  }
}
