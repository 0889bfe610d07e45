import { ConflictError, SeaworthyError, UnsupportedError } from 'seaworthy/core'
import type { EventEnvelope, MessageHandler } from 'seaworthy/messaging'
import { keyCheckpoint } from './consistency.ts'
import { type DocumentProjection, Drafts } from './document-projection.ts'
import { makeFirstLive } from './document-target.ts'
import type { ReadStore } from './read-store.ts'

/**
 * Events of a key are missing before this one, so its documents would be wrong for good. Either the group began after them, or the read store lost what it
 * had acknowledged. Build a new version from the log's first event.
 */
export class EventsMissingError extends SeaworthyError {
  constructor(message: string) {
    super('events-missing', message, { executed: 'no', final: true })
  }
}

export interface DocumentHandlerOptions {
  readonly projection: DocumentProjection
  readonly store: ReadStore
  /** Takes the first event that is seen of a key, whatever its number. For a log that no longer has its first events. Default false. */
  readonly joinedLate?: boolean
}

const RACES_MAX = 20

/**
 * The projection as a handler for a consumer of an event log. The number of the last event of each key is written with the documents that it changed, so
 * redelivered events do nothing; the consumer's lag is the projection's. Events must come in the order of their keys: let the consumer park keys, not
 * skip messages. A new version is a new consumer group, from the earliest event on.
 * @returns a handler that throws EventsMissingError, and UnsupportedError for what came out of order
 */
export function documentHandler(options: DocumentHandlerOptions): MessageHandler {
  const { projection, store } = options
  const model = { projection: projection.name, version: projection.version }
  let first: Promise<void> | undefined
  return async (event, attempt) => {
    if (attempt.outOfOrder || event.sequence === 0) {
      throw new UnsupportedError(
        `Event ${event.type} ${event.id} has no place in the order of its key. Run the consumer of ${projection.name} with onPoison: 'park-key', and publish through an outbox.`,
      )
    }
    first ??= makeFirstLive(store, model).catch((error: unknown) => {
      first = undefined
      throw error
    })
    await first
    for (let race = 0; race < RACES_MAX; race++) if (await applied(event, model, options)) return
    throw new ConflictError(`Others changed the documents of event ${event.type} ${event.id} ${RACES_MAX} times meanwhile. Try again.`)
  }
}

/** @returns false when another writer was faster */
async function applied(
  event: EventEnvelope,
  model: { projection: string; version: number },
  { projection, store, joinedLate = false }: DocumentHandlerOptions,
): Promise<boolean> {
  const checkpoint = keyCheckpoint(event.source, event.key)
  const keys = projection.keysOf(event)
  const { position, documents } = await store.load(model, { checkpoint, keys })
  if (event.sequence <= position) return true
  if (event.sequence !== position + 1 && !(joinedLate && position === 0)) {
    throw new EventsMissingError(
      `Event ${event.type} is number ${event.sequence} of key ${event.key} on ${event.source}, and ${projection.name} has ${position}: those between are missing. Build a new version from the log's first event.`,
    )
  }
  const drafts = new Drafts(projection, documents)
  for (const key of keys) drafts.apply(event, key)
  return store.write(model, { checkpoint, from: position, to: event.sequence, changes: drafts.changes() })
}
