import { createClient } from 'redis'
import { UnavailableError } from 'seaworthy/core'
import type {
  DocumentChange,
  DocumentWrite,
  ListedDocuments,
  Listing,
  LiveVersions,
  Loaded,
  ModelVersion,
  ParkedDocument,
  Parking,
  ReadStore,
  StoredDocument,
  SwitchOutcome,
} from 'seaworthy/projections'
import { redisFailure } from './errors.ts'
import { FIND, LIST, MAKE_LIVE, REMOVE, type Script, WRITE } from './scripts.ts'

export interface RedisReadStoreOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss:` for TLS. */
  readonly url: string
  /** What the names of all keys begin with. Default `seaworthy:`. */
  readonly prefix?: string
  /** For connecting. Default 5,000 ms. */
  readonly connectTimeoutMs?: number
  /** Commands that wait for an answer. Default 10,000; more are refused. */
  readonly commandsMax?: number
  /** Told when the connection breaks, again for each failed attempt to come back. Default: nobody is; commands fail meanwhile. */
  readonly onDisconnected?: (error: unknown) => void
}

export interface RedisReadStore extends ReadStore {
  close(): Promise<void>
}

type Client = ReturnType<typeof clientOf>

const RECONNECT_MIN_MS = 50
const RECONNECT_MAX_MS = 2_000

function clientOf({ url, connectTimeoutMs = 5_000, commandsMax = 10_000 }: RedisReadStoreOptions) {
  const reconnectStrategy = (attempts: number) => Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(attempts, 10))
  return createClient({
    url,
    commandsQueueMaxLength: commandsMax,
    // Who is not connected hears of it at once: whoever asks knows better than a queue whether it is worth waiting.
    disableOfflineQueue: true,
    socket: { connectTimeout: connectTimeoutMs, reconnectStrategy },
  })
}

/** Opens the documents in a Redis of version 6.2 or newer. It reconnects by itself. @throws UnavailableError when the server cannot be reached */
export async function openRedisReadStore(options: RedisReadStoreOptions): Promise<RedisReadStore> {
  const client = clientOf(options)
  // Without a listener a broken connection would end the process.
  client.on('error', (error: unknown) => options.onDisconnected?.(error))
  const first = new Promise<never>((_, reject) => client.once('error', reject))
  try {
    await Promise.race([client.connect(), first])
  } catch (error) {
    client.destroy()
    const { message } = redisFailure(error, 'reading')
    throw new UnavailableError(message, { cause: error })
  }
  first.catch(() => undefined)
  return new ConnectedReadStore(client, options.prefix ?? 'seaworthy:')
}

/** As it is stored, behind its revision. */
interface Content {
  readonly document: unknown
  readonly listing?: Listing
}

class ConnectedReadStore implements RedisReadStore {
  readonly #client: Client
  readonly #prefix: string

  constructor(client: Client, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  async load(of: ModelVersion, { checkpoint, keys }: { checkpoint: string; keys: readonly string[] }): Promise<Loaded> {
    const names = this.#names(of)
    const asking = this.#client.multi().hGet(names.checkpoints, checkpoint)
    if (keys.length > 0) asking.hmGet(names.documents, [...keys]).hmGet(names.parked, [...keys])
    type Found = (string | null)[]
    const [position, stored = [], standing = []] = (await attempt('reading', () => asking.exec())) as unknown as [
      string | null,
      Found?,
      Found?,
    ]
    const documents = keys.flatMap((key, index) => documentOf(key, stored[index] ?? '') ?? [])
    const parked = keys.flatMap((key, index) => parkedOf(key, standing[index] ?? '') ?? [])
    return {
      position: Number(position ?? 0),
      documents: new Map(documents.map((document) => [document.key, document])),
      parked: new Map(parked.map((document) => [document.key, document])),
    }
  }

  async write(of: ModelVersion, { checkpoint, from, to, changes, parking = [] }: DocumentWrite): Promise<boolean> {
    const names = this.#names(of)
    const lists = new Map<string, number>()
    const listAt = (listing: Listing | undefined): string => {
      if (listing === undefined) return '0'
      const list = names.list(listing.in)
      // Behind the five keys that every write names; Lua counts from 1.
      if (!lists.has(list)) lists.set(list, lists.size + 6)
      return String(lists.get(list))
    }
    const documents = changes.flatMap((change) => [
      change.key,
      String(change.before?.revision ?? 0),
      contentOf(change),
      listAt(change.before?.listing),
      listAt(change.listing),
      String(change.listing?.at ?? 0),
    ])
    const standing = parking.flatMap(({ key, parking, before }) => [key, String(before?.revision ?? 0), parkingOf(parking, before)])
    const keys = [names.checkpoints, names.documents, names.keys, names.lists, names.parked]
    const values = [checkpoint, String(from), String(to), String(changes.length), ...documents, ...standing]
    return (await this.#run('writing', WRITE, () => [...keys, ...lists.keys()], values)) === 1
  }

  async checkpoints(of: ModelVersion): Promise<ReadonlyMap<string, number>> {
    const found = await attempt('reading', () => this.#client.hGetAll(this.#names(of).checkpoints))
    return new Map(Object.entries(found).map(([name, position]) => [name, Number(position)]))
  }

  async keys(of: ModelVersion, { after, max }: { after: string; max: number }): Promise<readonly string[]> {
    const range = { BY: 'LEX', LIMIT: { offset: 0, count: max } } as const
    return attempt('reading', () => this.#client.zRange(this.#names(of).keys, after === '' ? '-' : `(${after}`, '+', range))
  }

  /** There are a hundred or so: all are asked for. */
  async parked(of: ModelVersion, { after, max }: { after: string; max: number }): Promise<readonly ParkedDocument[]> {
    const found = await attempt('reading', () => this.#client.hGetAll(this.#names(of).parked))
    const ordered = Object.entries(found)
      .filter(([key]) => byBytes(key, after) > 0)
      .toSorted(([one], [other]) => byBytes(one, other))
    return ordered.slice(0, max).map(([key, stored]) => parkedOf(key, stored)!)
  }

  async remove(of: ModelVersion): Promise<boolean> {
    const { lists, checkpoints, documents, keys, parked } = this.#names(of)
    const names = [this.#versions(of.projection), lists, checkpoints, documents, keys, parked]
    return (await this.#run('writing', REMOVE, () => names, [String(of.version)])) === 1
  }

  async versions(projection: string): Promise<LiveVersions> {
    const { live = 0, previous = 0 } = await attempt('reading', () => this.#client.hGetAll(this.#versions(projection)))
    return { live: Number(live), previous: Number(previous) }
  }

  async makeLive(
    projection: string,
    { from, to, evenIfBehind = false }: { from: number; to: number; evenIfBehind?: boolean },
  ): Promise<SwitchOutcome> {
    const [old, next] = [this.#names({ projection, version: from }), this.#names({ projection, version: to })]
    const keys = [this.#versions(projection), old.checkpoints, next.checkpoints, old.parked, next.parked]
    return (await this.#run('writing', MAKE_LIVE, () => keys, [String(from), String(to), evenIfBehind ? '1' : '0'])) as SwitchOutcome
  }

  async find(projection: string, key: string) {
    const asked = await this.#run('reading', FIND, () => [this.#versions(projection)], [this.#base(projection), key])
    const [live, stored] = asked as [string, string]
    return { version: Number(live), document: documentOf(key, stored) }
  }

  async list(projection: string, { in: list, offset, max }: { in: string; offset: number; max: number }): Promise<ListedDocuments> {
    if (max < 1) return { ...(await this.list(projection, { in: list, offset, max: 1 })), documents: [] }
    const range = [String(offset), String(offset + max - 1)]
    const asked = await this.#run('reading', LIST, () => [this.#versions(projection)], [this.#base(projection), `:list:${list}`, ...range])
    const [live, total, ...pairs] = asked as [string, string, ...string[]]
    const documents: StoredDocument[] = []
    for (let index = 0; index < pairs.length; index += 2) documents.push(documentOf(pairs[index]!, pairs[index + 1]!)!)
    return { version: Number(live), documents, total: Number(total) }
  }

  async close(): Promise<void> {
    if (this.#client.isOpen) await this.#client.close()
  }

  /** The braces put all keys of a projection into one slot of a cluster, as scripts need them. */
  #base(projection: string): string {
    return `${this.#prefix}{${encodeURIComponent(projection)}}:`
  }

  #versions(projection: string): string {
    return `${this.#base(projection)}versions`
  }

  #names({ projection, version }: ModelVersion) {
    const base = `${this.#base(projection)}${version}:`
    return {
      checkpoints: `${base}checkpoints`,
      documents: `${base}documents`,
      keys: `${base}keys`,
      lists: `${base}lists`,
      parked: `${base}parked`,
      list: (name: string) => `${base}list:${name}`,
    }
  }

  #run(what: 'reading' | 'writing', { text, sha1 }: Script, keys: () => string[], values: string[]): Promise<unknown> {
    return attempt(what, async () => {
      const options = { keys: keys(), arguments: values }
      try {
        return await this.#client.evalSha(sha1, options)
      } catch (error) {
        // A server that restarted has forgotten it.
        if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return this.#client.eval(text, options)
        throw error
      }
    })
  }
}

async function attempt<T>(what: 'reading' | 'writing', work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw redisFailure(error, what)
  }
}

/** Nothing for a document that is removed. */
function contentOf({ document, listing, before }: DocumentChange): string {
  if (document === undefined) return ''
  const content: Content = { document, ...(listing !== undefined && { listing }) }
  return `${(before?.revision ?? 0) + 1}${JSON.stringify(content)}`
}

/** Nothing for a document that goes on. */
function parkingOf(parking: Parking | undefined, before: ParkedDocument | undefined): string {
  return parking === undefined ? '' : `${(before?.revision ?? 0) + 1}${JSON.stringify(parking)}`
}

function parkedOf(key: string, stored: string): ParkedDocument | undefined {
  if (stored === '') return undefined
  const start = stored.indexOf('{')
  return { key, ...(JSON.parse(stored.slice(start)) as Parking), revision: Number(stored.slice(0, start)) }
}

const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))

function documentOf(key: string, stored: string): StoredDocument | undefined {
  if (stored === '') return undefined
  const start = stored.indexOf('{')
  const { document, listing } = JSON.parse(stored.slice(start)) as Content
  return { key, document, listing, revision: Number(stored.slice(0, start)) }
}
