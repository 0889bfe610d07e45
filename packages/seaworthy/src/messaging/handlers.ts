import { ConfigurationError, SeaworthyError, validate } from 'seaworthy/core'
import type { EventEnvelope, EventType } from './event.ts'

/** Nobody here knows this type of event, or this version of it. Asking again cannot help: deploy code that knows it, then requeue the dead letter. */
export class UnknownEventError extends SeaworthyError {
  constructor(message: string) {
    super('unknown-event', message, { executed: 'no', final: true })
  }
}

/** Handles one version of one type of event. Made by {@link on}. */
export interface EventHandler<Rest extends readonly unknown[]> {
  readonly type: string
  readonly version: number
  readonly handle: (event: EventEnvelope, ...rest: Rest) => Promise<void>
}

/** Handles events of a declared type; data that breaks the type's schema is refused before. `Rest` is what the handler gets besides: the attempt, or the inbox's transaction. */
export function on<Data, Rest extends readonly unknown[]>(
  type: EventType<Data>,
  handle: (event: EventEnvelope<Data>, ...rest: Rest) => Promise<void>,
): EventHandler<Rest> {
  return {
    type: type.type,
    version: type.version,
    handle: async (event, ...rest) => {
      const data = validate(type.schema, event.data, `The data of event ${event.type} ${event.id}`)
      await handle({ ...event, data }, ...rest)
    },
  }
}

export interface HandlersOptions {
  /** What becomes of events of a type that is not listed: ignored, or set aside as dead letters. A version of a listed type that is not listed is never ignored. */
  readonly others: 'ignore' | 'dead-letter'
}

/** A handler that tells which types of events it handles. */
export interface HandlerOfTypes<Rest extends readonly unknown[]> {
  (event: EventEnvelope, ...rest: Rest): Promise<void>
  readonly types: readonly string[]
}

/**
 * One handler made of several, by type and version.
 * @throws ConfigurationError when a version of a type is listed twice
 */
export function handlers<Rest extends readonly unknown[]>(
  listed: readonly EventHandler<Rest>[],
  options: HandlersOptions,
): HandlerOfTypes<Rest> {
  const byType = new Map<string, Map<number, EventHandler<Rest>>>()
  for (const handler of listed) {
    const versions = byType.get(handler.type) ?? new Map<number, EventHandler<Rest>>()
    if (versions.has(handler.version)) {
      throw new ConfigurationError(
        `Version ${handler.version} of event ${handler.type} has two handlers. List each version of a type once.`,
      )
    }
    byType.set(handler.type, versions.set(handler.version, handler))
  }
  const handle = async (event: EventEnvelope, ...rest: Rest): Promise<void> => {
    const versions = byType.get(event.type)
    if (versions === undefined) {
      if (options.others === 'ignore') return
      throw new UnknownEventError(
        `Nobody here handles events of type ${event.type}. Add a handler for it, or ignore other types by \`others\`.`,
      )
    }
    const handler = versions.get(event.version)
    if (handler === undefined) {
      const known = [...versions.keys()].toSorted((one, other) => one - other).join(', ')
      throw new UnknownEventError(
        `Version ${event.version} of event ${event.type} is not known here; known: ${known}. Deploy code that knows it.`,
      )
    }
    await handler.handle(event, ...rest)
  }
  return Object.assign(handle, { types: [...byType.keys()] })
}
