import { channel } from 'node:diagnostics_channel'
import { ConflictError } from 'seaworthy/core'
import type { EventStore, StoredEvent } from 'seaworthy/event-sourcing'
import { type EventEnvelope, reasonOf } from 'seaworthy/messaging'
import { type DocumentProjection, Drafts, partitionCheckpoint, partitionOf } from './document-projection.ts'
import { refusalOf } from './refused-document.ts'
import type { DocumentChange, Loaded, ModelVersion, ParkedDocument, Parking, ReadStore } from './read-store.ts'
import { type UpcastTypes, envelopeOf } from './stored-event.ts'

export interface RequeueDocumentOptions {
  readonly projection: DocumentProjection
  readonly source: EventStore
  readonly store: ReadStore
  readonly events?: UpcastTypes
  readonly key: string
  /** Events that are tried at most. Default all that wait. */
  readonly eventsMax?: number
}

/** An event that was tried again. */
export interface RequeuedEvent {
  readonly position: number
  /** Undefined when its stream was archived meanwhile: it belongs to no document any more. */
  readonly event: StoredEvent | undefined
  /** Number of this attempt. */
  readonly attempt: number
  /** `handled`: the document has it. `failed`: it waits on, with the new reason. */
  readonly outcome: 'handled' | 'failed'
  /** Why it failed. */
  readonly reason: string | undefined
}

/** What became of a document that stood still. Also published on the channel `seaworthy:projection.requeued`. */
export interface RequeuedDocument extends ModelVersion {
  readonly key: string
  /** In this order. */
  readonly tried: readonly RequeuedEvent[]
  /** Events that wait on. */
  readonly left: number
}

const RACES_MAX = 20
const NOT_TRIED = 'It came behind an event that could not be applied.'
const requeuedChannel = channel('seaworthy:projection.requeued')

/**
 * Applies what waits for a document again, in order, up to the first event that still cannot be applied. What the document comes to and what is left are written
 * together. When nothing is left, the document goes on with the others.
 * @throws ConflictError when other writers were faster, again and again
 */
export async function requeueDocument(options: RequeueDocumentOptions): Promise<RequeuedDocument> {
  const { projection, store, key } = options
  const { name, version, partitions } = projection
  const model: ModelVersion = { projection: name, version }
  const checkpoint = partitionCheckpoint(partitionOf(key, partitions), partitions)
  let { eventsMax = Infinity } = options
  for (let race = 0; race < RACES_MAX; race++) {
    const loaded = await store.load(model, { checkpoint, keys: [key] })
    const before = loaded.parked.get(key)
    if (before === undefined) return { ...model, key, tried: [], left: 0 }
    // The checkpoint stays where it is, and tells whether another writer was faster.
    const at = { checkpoint, from: loaded.position, to: loaded.position }
    const write = (changes: readonly DocumentChange[], { parking }: Retried) =>
      store.write(model, { ...at, changes, parking: [{ key, parking, before }] })
    let retried = await retry(before, loaded, { ...options, eventsMax })
    const handled = retried.tried.filter(({ outcome }) => outcome === 'handled').length
    let changes: readonly DocumentChange[] = []
    try {
      changes = retried.changes()
      if (!(await write(changes, retried))) continue
    } catch (error) {
      const why = refusalOf(error, changes)
      if (why === undefined || handled === 0) throw error
      if (handled > 1) {
        // One of them makes a document that cannot be listed or stored: those before it may do.
        eventsMax = handled >> 1
        continue
      }
      retried = failedAgain(before, retried.tried[0]!.event, why)
      if (!(await write([], retried))) continue
    }
    const requeued: RequeuedDocument = { ...model, key, tried: retried.tried, left: retried.parking?.waiting.length ?? 0 }
    if (requeuedChannel.hasSubscribers) requeuedChannel.publish(requeued)
    return requeued
  }
  throw new ConflictError(`Others changed document ${key} of ${name} ${RACES_MAX} times meanwhile. Try again.`)
}

/** What is to be written, if the store takes it. */
interface Retried {
  /** @throws Unlisted */
  readonly changes: () => readonly DocumentChange[]
  readonly parking: Parking | undefined
  readonly tried: readonly RequeuedEvent[]
}

async function retry(
  before: ParkedDocument,
  loaded: Loaded,
  { projection, source, events, key, eventsMax }: RequeueDocumentOptions & { readonly eventsMax: number },
): Promise<Retried> {
  const { waiting, parkedAtMs } = before
  const drafts = new Drafts(projection, loaded.documents)
  const changes = () => drafts.changes()
  const tried: RequeuedEvent[] = []
  for (const [index, position] of waiting.entries()) {
    const rest = { waiting: waiting.slice(index), parkedAtMs }
    if (index >= eventsMax) return { changes, tried, parking: { ...rest, attempts: 0, reason: NOT_TRIED } }
    const attempt = index === 0 ? before.attempts + 1 : 1
    const event = await eventAt(source, position)
    try {
      if (event !== undefined) applyTo(drafts, envelopeOf(event, events), { projection, key })
    } catch (error) {
      const reason = reasonOf(error)
      tried.push({ position, event, attempt, outcome: 'failed', reason })
      return { changes, tried, parking: { ...rest, attempts: attempt, reason } }
    }
    tried.push({ position, event, attempt, outcome: 'handled', reason: undefined })
  }
  return { changes, tried, parking: undefined }
}

function applyTo(drafts: Drafts, event: EventEnvelope, { projection, key }: Pick<RequeueDocumentOptions, 'projection' | 'key'>): void {
  if (projection.keysOf(event).includes(key)) drafts.apply(event, key)
}

/** Nothing was gained: the document cannot be listed or stored. */
function failedAgain({ waiting, parkedAtMs, attempts }: ParkedDocument, event: StoredEvent | undefined, error: unknown): Retried {
  const failed = { attempt: attempts + 1, reason: reasonOf(error) }
  return {
    changes: () => [],
    tried: [{ position: waiting[0]!, event, outcome: 'failed', ...failed }],
    parking: { waiting, parkedAtMs, attempts: failed.attempt, reason: failed.reason },
  }
}

async function eventAt(source: EventStore, position: number): Promise<StoredEvent | undefined> {
  const [event] = await source.readAll({ after: position - 1, max: 1 })
  return event?.position === position ? event : undefined
}
