import { type Clock, InvalidInputError, UnavailableError, sleep, systemClock } from 'seaworthy/core'
import type { EventStore } from 'seaworthy/event-sourcing'
import { reachedByAll } from './document-projection.ts'
import { allParked } from './parked-documents.ts'
import type { ReadStore } from './read-store.ts'

/** The name under which a token crosses HTTP, in the answer to a command and in the query after it. */
export const CONSISTENCY_HEADER = 'consistency-token'

const TOKEN =
  /^(?:(?<store>[^\s/@,]{1,300})?@(?<position>\d{1,16})|(?<topic>[^\s/@,]{1,300})\/(?<key>[^\s/@,]{1,900})@(?<sequence>\d{1,16}))$/
const TOKEN_LENGTH_MAX = 1_400
const TOKENS_MAX = 16

/** What a reader wants to find in a read model: a position of an event store, or the number of a key's event on a topic. */
export type ReadAfter =
  /** `store`: whose positions they are. Absent: whoever is asked takes them for its own. */
  | { readonly kind: 'position'; readonly position: number; readonly store?: string }
  | { readonly kind: 'event'; readonly topic: string; readonly key: string; readonly sequence: number }

/** The read model did not get as far as the query wanted in the time that it was given. Ask again, or ask without the token and take what is there. */
export class StaleReadError extends UnavailableError {}

/** What the token names waits for a document that stands still. No waiting helps: somebody has to mend the projection, and requeue it. */
export class ParkedReadError extends UnavailableError {
  readonly key: string

  constructor(message: string, key: string) {
    super(message)
    this.key = key
  }
}

/** The checkpoint that counts the events of a key on a topic of an event log. */
export function keyCheckpoint(topic: string, key: string): string {
  return `${encodeURIComponent(topic)}/${encodeURIComponent(key)}`
}

/** The token as text of visible ASCII, for a header or a cookie. It holds no secret, and proves nothing. */
export function consistencyToken(after: ReadAfter): string {
  if (after.kind === 'event') return `${keyCheckpoint(after.topic, after.key)}@${after.sequence}`
  return `${after.store === undefined ? '' : encodeURIComponent(after.store)}@${after.position}`
}

/** One token of several, for a command that wrote in several services: each query waits for those that lead to it. What is undefined is left out. */
export function joinConsistencyTokens(...tokens: readonly (string | undefined)[]): string {
  return tokens.filter((token) => token !== undefined).join(', ')
}

/**
 * The token of what a command appended: the stream, and the version that it led to.
 * @param of `store`: a name for the source, where tokens of several go together
 */
export async function consistencyTokenOf(
  source: EventStore,
  { stream, version, store }: { readonly stream: string; readonly version: number; readonly store?: string },
): Promise<string> {
  const [event] = await source.read(stream, { after: version - 1, max: 1 })
  if (event === undefined) throw new InvalidInputError(`Stream ${stream} has no version ${version}. Ask after the commit that appended it.`)
  return consistencyToken({ kind: 'position', position: event.position, ...(store !== undefined && { store }) })
}

/** Of one or several, with commas between. @throws InvalidInputError when one of them is no token, or they are more than sixteen */
export function readConsistencyTokens(text: string): readonly ReadAfter[] {
  const tokens = text.split(',', TOKENS_MAX + 1)
  // Too many together are no token either.
  return tokens.length > TOKENS_MAX ? [readConsistencyToken(text)] : tokens.map((token) => readConsistencyToken(token.trim()))
}

/** @throws InvalidInputError when the text is no token */
export function readConsistencyToken(text: string): ReadAfter {
  const { store, position, topic, key, sequence } = (text.length <= TOKEN_LENGTH_MAX && TOKEN.exec(text)?.groups) || {}
  try {
    if (position !== undefined)
      return { kind: 'position', position: Number(position), ...(store !== undefined && { store: decodeURIComponent(store) }) }
    if (topic !== undefined && key !== undefined)
      return { kind: 'event', topic: decodeURIComponent(topic), key: decodeURIComponent(key), sequence: Number(sequence) }
  } catch {
    // Not as encodeURIComponent writes it.
  }
  throw new InvalidInputError('The consistency token is not one. Send it as the command answered it.', [
    { field: CONSISTENCY_HEADER, message: 'must be a token of this service' },
  ])
}

export interface ReadAfterOptions {
  readonly store: ReadStore
  readonly projection: string
  /** A token, or several with commas between; undefined waits for nothing. */
  readonly token: string | undefined
  /** Whether the model ever gets to what a token names. Of several, those that do not lead here are left out; if none does, no waiting helps, and they are refused. Default: it may. */
  readonly leadsHere?: (wanted: ReadAfter) => boolean
  /** At most so long. Default 2,000 ms. */
  readonly timeoutMs?: number
  /** Between two looks. Default 10 ms. */
  readonly pollMs?: number
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock
}

const TIMEOUT_MS = 2_000
const POLL_MS = 10

/**
 * Settles when the version that answers queries has what the token names, in whichever process it is built.
 * @throws StaleReadError when it takes longer than the time given; ParkedReadError at once when it waits for a document that stands still; InvalidInputError when
 * the token is none, or does not lead here
 */
export async function readAfter(options: ReadAfterOptions): Promise<void> {
  const { store, projection, token, leadsHere, timeoutMs = TIMEOUT_MS, pollMs = POLL_MS, signal, clock = systemClock } = options
  if (token === undefined) return
  const wanted = readConsistencyTokens(token).filter((each) => leadsHere?.(each) !== false)
  if (wanted.length === 0) {
    throw new InvalidInputError(
      `The consistency token is of another read model than ${projection}. Send each to the queries that its command names.`,
      [{ field: CONSISTENCY_HEADER, message: `must be a token of a command that ${projection} follows` }],
    )
  }
  const deadlineMs = clock.monotonicMs() + timeoutMs
  while (!(await hasAll(store, projection, wanted))) {
    const leftMs = deadlineMs - clock.monotonicMs()
    if (leftMs <= 0) {
      throw new StaleReadError(
        `The read model ${projection} did not get to ${token} within ${timeoutMs} ms. Ask again, or without the token for what is there.`,
        { retryAfterMs: timeoutMs },
      )
    }
    await sleep(clock, Math.min(pollMs, leftMs), signal)
  }
}

async function hasAll(store: ReadStore, projection: string, wanted: readonly ReadAfter[]): Promise<boolean> {
  for (const each of wanted) if (!(await has(store, projection, each))) return false
  return true
}

async function has(store: ReadStore, projection: string, wanted: ReadAfter): Promise<boolean> {
  const { live } = await store.versions(projection)
  if (live === 0) return false
  const model = { projection, version: live }
  if (wanted.kind === 'event') {
    const { position } = await store.load(model, { checkpoint: keyCheckpoint(wanted.topic, wanted.key), keys: [] })
    return position >= wanted.sequence
  }
  if (reachedByAll(await store.checkpoints(model)) < wanted.position) return false
  // The checkpoint passes over what waits.
  const parked = (await allParked(store, model)).find(({ waiting }) => waiting.includes(wanted.position))
  if (parked === undefined) return true
  throw new ParkedReadError(
    `Document ${parked.key} of ${projection} stands still at an event that cannot be applied: ${parked.reason}. Mend the projection and requeue it, or ask without the token for what is there.`,
    parked.key,
  )
}
