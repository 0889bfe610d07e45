import type { EventEmitter } from 'node:events'

type Listener = (this: unknown, ...args: unknown[]) => unknown
type Named = Listener & { listener?: Listener }
type Wrap = (listener: Listener) => Listener
type Register = (event: string | symbol, listener: Listener) => EventEmitter

/** How each bound emitter wraps its listeners now. */
const wraps = new WeakMap<EventEmitter, Wrap>()

/**
 * From now on, listeners of `emitter` are wrapped when they are added. OpenTelemetry's instrumentations bind requests and
 * responses so that their listeners run in the span's context, and not in that of the socket that emits.
 *
 * Removing a listener needs nothing of ours: Node compares with a wrapper's `listener` too.
 */
export function bindEmitter(emitter: EventEmitter, wrap: Wrap): void {
  const isBound = wraps.has(emitter)
  wraps.set(emitter, wrap)
  if (isBound) return

  const wrapNow = (listener: Listener): Named => {
    const wrapped: Named = (wraps.get(emitter) ?? wrap)(listener)
    wrapped.listener = (listener as Named).listener ?? listener
    return wrapped
  }
  const add =
    (register: Register): Register =>
    (event, listener) =>
      register.call(emitter, event, wrapNow(listener))
  // Node's own `once` would wrap a second time, and then not find its listener to remove it.
  const addOnce =
    (register: Register): Register =>
    (event, listener) => {
      const run = wrapNow(listener)
      const once: Named = (...args) => {
        emitter.removeListener(event, once)
        return Reflect.apply(run, emitter, args)
      }
      once.listener = listener
      return register.call(emitter, event, once)
    }
  const { on, prependListener } = emitter as unknown as { on: Register; prependListener: Register }
  Object.assign(emitter, {
    on: add(on),
    addListener: add(on),
    prependListener: add(prependListener),
    once: addOnce(on),
    prependOnceListener: addOnce(prependListener),
  })
}
