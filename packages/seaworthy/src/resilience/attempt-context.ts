import { type CallContext, rootContext } from 'seaworthy/core'

/** What an attempt adds to the context that it was called in. */
export interface AttemptFields {
  /** Undefined when nobody gave one: it is then made when somebody looks. */
  context: CallContext | undefined
  readonly deadlineMs: number | undefined
  /** Made when somebody asks for it. */
  readonly signal: AbortSignal | undefined
  readonly retriedByCaller: boolean
}

/** Of a call that got no context and needs none: only a correlation id is to be made, if it is asked for. */
export class UnlimitedFields implements AttemptFields {
  context: CallContext | undefined = undefined

  get retriedByCaller(): false {
    return false
  }

  get deadlineMs(): undefined {
    return undefined
  }

  get signal(): undefined {
    return undefined
  }
}

/**
 * The context of an attempt. Making an abort signal and a correlation id for each attempt would cost more than the rest
 * of the policy, and most bodies look at neither, so both are made when they are looked at. A proxy, because a copy
 * (`{ ...call, idempotencyKey }`) must have them too, which getters on a prototype would lose without a word.
 */
export function attemptContext(fields: AttemptFields): CallContext {
  return new Proxy(fields as unknown as CallContext, HANDLER)
}

/** The context that the attempt was called in, made now if nobody gave one. */
export function outerContext(fields: AttemptFields): CallContext {
  return (fields.context ??= rootContext())
}

type Field = keyof CallContext

function read(fields: AttemptFields, key: Field): unknown {
  switch (key) {
    case 'deadlineMs':
      return fields.deadlineMs ?? fields.context?.deadlineMs
    case 'signal':
      return fields.signal ?? fields.context?.signal
    case 'retriedByCaller':
      return fields.retriedByCaller || fields.context?.retriedByCaller
    default:
      return outerContext(fields)[key]
  }
}

function hasOwn(fields: AttemptFields, key: string | symbol): boolean {
  if (key === 'retriedByCaller' && fields.retriedByCaller) return true
  if ((key === 'deadlineMs' || key === 'signal') && fields.deadlineMs !== undefined) return true
  return Object.hasOwn(outerContext(fields), key)
}

function keysOf(fields: AttemptFields): (string | symbol)[] {
  const keys = new Set(Reflect.ownKeys(outerContext(fields)))
  if (fields.deadlineMs !== undefined) keys.add('deadlineMs').add('signal')
  if (fields.retriedByCaller) keys.add('retriedByCaller')
  return [...keys]
}

const fieldsOf = (target: CallContext) => target as unknown as AttemptFields

const HANDLER: ProxyHandler<CallContext> = {
  get: (target, key) => read(fieldsOf(target), key as Field),
  has: (target, key) => hasOwn(fieldsOf(target), key),
  ownKeys: (target) => keysOf(fieldsOf(target)),
  getOwnPropertyDescriptor: (target, key) =>
    hasOwn(fieldsOf(target), key)
      ? { configurable: true, enumerable: true, writable: false, value: read(fieldsOf(target), key as Field) }
      : undefined,
  // The prototype of the fields would show their class to whoever prints the context.
  getPrototypeOf: () => Object.prototype,
  set: () => false,
  defineProperty: () => false,
  deleteProperty: () => false,
}
