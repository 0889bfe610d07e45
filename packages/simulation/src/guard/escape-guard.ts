import { type HookCallbacks, createHook } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import { EscapeError } from '../errors.ts'
import { type Incarnation, acting } from '../world/incarnation.ts'
import { waysOut } from './traps.ts'

type AnyFunction = (...args: unknown[]) => unknown

// Kinds of handles that no trap stands before, such as those of a native module. Timers and promises are here for completeness.
const OUTSIDE =
  /^(?:Timeout|Immediate|FSREQ|FILEHANDLE|FSEVENT|STATWATCHER|TCP|PIPE|TTY|UDP|TLS|PROCESS|WORKER|GETADDRINFO|GETNAMEINFO|QUERY|HTTP|SIGNAL|RANDOMBYTES|ZLIB)/

/** Stands before the ways out of a simulation. */
export interface EscapeGuard {
  /**
   * Whether each handle is looked at as it is made, to say who makes it. Where nobody looks, what is left open tells that one was made. Looking takes a tenth
   * of a history's time.
   */
  watchHandles(on: boolean): void
  remove(): void
}

/**
 * Keeps simulated code inside: whoever reaches for real time, randomness, files, sockets or processes from a node or a client gets an EscapeError
 * there, with its stack, and the exploration ends with it even if somebody catches it. Other code of this process goes on as ever.
 * @param tell is told of each escape
 */
export function guardEscapes(tell: (error: EscapeError) => void): EscapeGuard {
  const escaped = (name: string, process: Incarnation): EscapeError => {
    const error = new EscapeError(name, process.number === 0 ? `Client ${process.node}` : `Node ${process.node}`)
    tell(error)
    return error
  }
  const restorers = waysOut().map(({ target, key, name }) => trap(target, key, name, escaped))
  restorers.push(trapDate(escaped), gentleTicks(), gentleWarnings())
  syncBuiltinESMExports()
  const hooks: HookCallbacks & { readonly trackPromises: boolean } = {
    init: (_id, type) => {
      const process = OUTSIDE.test(type) ? acting.getStore() : undefined
      // Thrown here it would end this process; told, it ends the exploration.
      if (process?.alive === true) escaped(`something that opens a ${type}`, process)
    },
    // Promises are far too many to look at, and lead nowhere.
    trackPromises: false,
  }
  const hook = createHook(hooks)
  return {
    watchHandles: (on) => void (on ? hook.enable() : hook.disable()),
    remove: () => {
      hook.disable()
      for (const restore of restorers) restore()
      syncBuiltinESMExports()
    },
  }
}

function replace(target: object, key: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, key)
  Object.defineProperty(target, key, { configurable: true, writable: true, enumerable: before?.enumerable ?? true, value })
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, key)
    else Object.defineProperty(target, key, before)
  }
}

function trap(target: object, key: string, name: string, escaped: (name: string, process: Incarnation) => Error): () => void {
  const original = Reflect.get(target, key) as AnyFunction
  const trapped = new Proxy(original, {
    apply(of, self, args) {
      const process = acting.getStore()
      if (process !== undefined) throw escaped(name, process)
      return Reflect.apply(of, self, args)
    },
    construct(of, args, newTarget) {
      const process = acting.getStore()
      if (process !== undefined) throw escaped(`new ${name}`, process)
      return Reflect.construct(of, args, newTarget) as object
    },
  })
  return replace(target, key, trapped)
}

/** `new Date(ms)` is arithmetic; `new Date()` and `Date.now()` are the time of day. */
function trapDate(escaped: (name: string, process: Incarnation) => Error): () => void {
  const RealDate = Date
  const now = () => {
    const process = acting.getStore()
    if (process !== undefined) throw escaped('Date.now', process)
    return RealDate.now()
  }
  const trapped: DateConstructor = new Proxy(RealDate, {
    construct(of, args, newTarget) {
      const process = args.length === 0 ? acting.getStore() : undefined
      if (process !== undefined) throw escaped('new Date()', process)
      // For a target that is a proxy V8 makes a hidden class of its own for each date.
      return Reflect.construct(of, args, newTarget === trapped ? of : newTarget) as object
    },
    apply(of, self, args) {
      const process = acting.getStore()
      if (process !== undefined) throw escaped('Date()', process)
      return Reflect.apply(of, self, args) as string
    },
    get: (of, key) => (key === 'now' ? now : Reflect.get(of, key)),
  })
  return replace(globalThis, 'Date', trapped)
}

/** A tick of a simulated process is a microtask: Node runs its own queue of ticks only when the whole history is over. */
function gentleTicks(): () => void {
  const original = process.nextTick.bind(process) as AnyFunction
  return replace(process, 'nextTick', (callback: AnyFunction, ...args: unknown[]) => {
    if (acting.getStore() === undefined) original(callback, ...args)
    else queueMicrotask(() => callback(...args))
  })
}

/** A warning of a simulated process is a line of its history. */
function gentleWarnings(): () => void {
  const original = process.emitWarning.bind(process) as AnyFunction
  return replace(process, 'emitWarning', (warning: unknown, ...rest: unknown[]) => {
    const acts = acting.getStore()
    if (acts === undefined) original(warning, ...rest)
    else if (acts.alive) acts.record({ kind: 'warning', text: String(warning) })
  })
}
