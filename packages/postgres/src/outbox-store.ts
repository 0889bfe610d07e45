import {
  type Clock,
  type LeaseStore,
  type Statement,
  type Transaction,
  PartitionShare,
  newId,
  runAfterCommit,
  systemClock,
} from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, type OutboxStore, type StallHolder, type TopicEvents, StallWatch, serializeEvent } from 'seaworthy/outbox'
import { ClaimFloor } from './claim-floor.ts'
import type { PostgresDatabase } from './database.ts'
import { librarySchema } from './migrate.ts'
import { prepared } from './prepared.ts'
import type { OutboxWakeUp } from './replication-wake-up.ts'
import { StallDoctor } from './stall-doctor.ts'
import { numberArray, restored, storable, textArray } from './values.ts'

/** Tables of {@link postgresOutboxStore}. */
export const outboxStoreSchema = librarySchema('seaworthy.outbox', 1)

// Primary key of seaworthy_outbox_sequences. One statement: the keys' rows are locked one after another in the order of $2, which is the same for
// all callers; the events get their positions when all of them are, because the sort needs every row.
const ADD = prepared(`WITH taken AS (
    INSERT INTO seaworthy_outbox_sequences AS s (topic, key, last)
    SELECT $1, k.key, k.count FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS k (key, count, place) ORDER BY k.place
    ON CONFLICT (topic, key) DO UPDATE SET last = s.last + excluded.last
    RETURNING key, last
  )
  INSERT INTO seaworthy_outbox (topic, key, sequence, event, added_at_ms)
  SELECT $1, e.key, taken.last - e.after, e.event::json, $7::bigint
  FROM unnest($4::text[], $5::bigint[], $6::text[]) WITH ORDINALITY AS e (key, after, event, place) JOIN taken ON taken.key = e.key
  ORDER BY e.place`)
// The same for one event. (As text first: some drivers make JSON of what is given for a parameter of type json, and so of the text a string.)
const ADD_ONE = prepared(`WITH taken AS (
    INSERT INTO seaworthy_outbox_sequences AS s (topic, key, last) VALUES ($1, $2, 1)
    ON CONFLICT (topic, key) DO UPDATE SET last = s.last + 1 RETURNING last
  )
  INSERT INTO seaworthy_outbox (topic, key, sequence, event, added_at_ms) SELECT $1, $2, last, $3::text::json, $4::bigint FROM taken`)
// seaworthy_outbox_by_topic, one look-up for each topic however many messages wait.
const SELECT_TOPICS = prepared(`WITH RECURSIVE waiting (topic) AS (
    (SELECT topic FROM seaworthy_outbox ORDER BY topic LIMIT 1)
    UNION ALL
    SELECT (SELECT o.topic FROM seaworthy_outbox o WHERE o.topic > waiting.topic ORDER BY o.topic LIMIT 1) FROM waiting WHERE waiting.topic IS NOT NULL
  ) SELECT topic FROM waiting WHERE topic IS NOT NULL`)
// The same index: for the topics that are known one look-up each above its floor ($2), and one for each gap between them, for what is new there.
const SELECT_TOPICS_ABOVE = prepared(`WITH known AS (SELECT * FROM unnest($1::text[], $2::bigint[]) AS k (topic, floor)),
    gap AS (SELECT topic AS lower, lead(topic) OVER (ORDER BY topic) AS upper FROM known)
  SELECT n.topic FROM known k CROSS JOIN LATERAL (
    SELECT o.topic FROM seaworthy_outbox o WHERE (o.topic, o.position) > (k.topic, k.floor) AND o.topic <= k.topic
    ORDER BY o.topic, o.position LIMIT 1) n
  UNION ALL (SELECT topic FROM seaworthy_outbox WHERE topic < (SELECT min(topic) FROM known) ORDER BY topic LIMIT 1)
  UNION ALL SELECT n.topic FROM gap g CROSS JOIN LATERAL (
    SELECT o.topic FROM seaworthy_outbox o WHERE o.topic > g.lower AND o.topic < g.upper ORDER BY o.topic LIMIT 1) n
  UNION ALL (SELECT topic FROM seaworthy_outbox WHERE topic > (SELECT max(topic) FROM known) ORDER BY topic LIMIT 1)`)
// seaworthy_outbox_by_topic, a range above the floor. (The topic as a range too: for one value the planner may walk the primary key instead, through all that waits of
// another topic.) No committed message hides behind an open transaction of its key, which has the key's lock.
const SELECT_UNSENT = prepared(`SELECT position, sequence, event, added_at_ms FROM seaworthy_outbox
  WHERE (topic, position) > ($1, $3) AND topic <= $1 ORDER BY topic, position LIMIT $2`)
// Primary key of seaworthy_outbox, a look-up for each position.
const DELETE_SENT = prepared('DELETE FROM seaworthy_outbox WHERE position = ANY ($1::bigint[])')
// The oldest by the primary key; the count reads it whole.
const SELECT_BACKLOG = `SELECT (SELECT count(*) FROM seaworthy_outbox) AS messages,
  (SELECT added_at_ms FROM seaworthy_outbox ORDER BY position LIMIT 1) AS oldest_at_ms`
// The same index; messages of other relays' keys are passed over.
const SELECT_UNSENT_OF = prepared(`SELECT position, sequence, event, added_at_ms, partition FROM seaworthy_outbox
  WHERE (topic, position) > ($1, $3) AND topic <= $1 AND partition = ANY ($4::smallint[]) ORDER BY topic, position LIMIT $2`)
const CHANNEL = 'seaworthy_outbox'
// As the column `partition` has it.
const PARTITIONS = 16
// Of those that an add waits for, in a log line.
const KEYS_TOLD_MAX = 10

export interface PostgresOutboxStoreOptions {
  /** Size of an event at most, in bytes of JSON. Default 950,000: what logs take (1,000,000 by default), less the trace headers that the relay adds. */
  readonly eventBytesMax?: number
  /**
   * Set where several processes run a relay for this outbox: each then gets a part of the keys, by leases, and none is sent by two but when a process lost
   * its leases without knowing. Absent: one relay runs for it.
   */
  readonly shared?: SharedOutboxOptions
  /** Wakes the relay instead of LISTEN and NOTIFY, as {@link startReplicationWakeUp} does. */
  readonly wakeUp?: OutboxWakeUp
  /** How long `add` may wait for a key before it is asked who has it, in milliseconds. Default 2,000. */
  readonly stallAfterMs?: number
  readonly clock?: Clock
}

export interface SharedOutboxOptions {
  readonly leases: LeaseStore
  /** How long a relay that died keeps its part, in milliseconds. Default 10,000. Well over the relay's `pollMs`, at which leases are extended. */
  readonly ttlMs?: number
  /** This process, unlike any other. Default: a new id. */
  readonly holder?: string
}

/** An outbox store whose relay may be one of several. */
export interface PostgresOutboxStore extends OutboxStore {
  /** Leaves this relay's part to the others at once, after it was stopped. Does nothing where the outbox is not shared. */
  handBack(): Promise<void>
}

interface UnsentRow {
  readonly position: number
  readonly sequence: number
  readonly event: EventEnvelope
  readonly added_at_ms: number
  /** Where the outbox is shared. */
  readonly partition?: number
}

/** An outbox in a PostgreSQL database. Sent messages are deleted; a row with the last number of each key stays. */
export function postgresOutboxStore(database: PostgresDatabase, options: PostgresOutboxStoreOptions = {}): PostgresOutboxStore {
  return new TableOutboxStore(database, options)
}

class TableOutboxStore implements PostgresOutboxStore {
  readonly #database: PostgresDatabase
  readonly #eventBytesMax: number
  readonly #clock: Clock
  readonly #share: PartitionShare | undefined
  readonly #floor: ClaimFloor
  readonly #wakeUp: OutboxWakeUp | undefined
  readonly #doctor: StallDoctor
  readonly #watch: StallWatch
  readonly #listeners = new Set<(topic: string) => void>()
  /** Partitions of messages that were handed out and are not marked yet, by their positions. */
  readonly #inHand = new Map<number, number>()
  readonly #partitionsInHand = () => new Set(this.#inHand.values())
  #listening = false

  constructor(database: PostgresDatabase, options: PostgresOutboxStoreOptions) {
    this.#database = database
    this.#eventBytesMax = options.eventBytesMax ?? 950_000
    this.#clock = options.clock ?? systemClock
    this.#floor = new ClaimFloor(database, this.#clock)
    this.#wakeUp = options.wakeUp
    this.#doctor = new StallDoctor(database, ['seaworthy_outbox', 'seaworthy_outbox_sequences'])
    const { shared, stallAfterMs = 2_000 } = options
    this.#watch = new StallWatch({ explain: () => this.explainStall(), stallAfterMs, clock: this.#clock })
    this.#share =
      shared &&
      new PartitionShare({
        leases: shared.leases,
        what: 'outbox',
        holder: shared.holder ?? newId(),
        partitions: PARTITIONS,
        ttlMs: shared.ttlMs ?? 10_000,
        clock: this.#clock,
      })
  }

  async add(tx: Transaction, topic: string, events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    const statement = this.#adding(topic, events)
    await this.#watch.run({ operation: 'add', topic, keys: keysTold(events) }, () => tx.execute(statement))
    tx.afterCommit(() => this.#added(topic))
  }

  async commit(statements: readonly Statement[], events: readonly TopicEvents[]): Promise<readonly { readonly rowCount: number }[]> {
    const adding = events.map(([topic, sameTopic]) => this.#adding(topic, sameTopic))
    const topic = events.length === 1 ? events[0]![0] : undefined
    const keys = keysTold(events.flatMap(([, sameTopic]) => sameTopic))
    const results = await this.#watch.run({ operation: 'add', topic, keys }, () => this.#database.atomically([...statements, ...adding]))
    for (const [added] of events) runAfterCommit(() => this.#added(added))
    return results.slice(0, statements.length)
  }

  /** Made before any number is taken: a caller who catches the refusal of an event and commits must not leave a gap. */
  #adding(topic: string, events: readonly EventEnvelope[]): Statement {
    const texts = events.map((event) => serializeEvent(event, this.#eventBytesMax))
    const stored = storable(topic)
    if (events.length === 1) return { sql: ADD_ONE, params: [stored, storable(events[0]!.key), texts[0]!, this.#clock.now()] }
    const keys = events.map(({ key }) => storable(key))
    const counts = new Map<string, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    // How many of its key come after each in this call.
    const left = new Map(counts)
    const after = keys.map((key) => {
      left.set(key, left.get(key)! - 1)
      return left.get(key)!
    })
    // In one order for all callers: two that each held a row the other waits for would end as a deadlock.
    const distinct = [...counts.keys()].toSorted()
    const numbers = numberArray(distinct.map((key) => counts.get(key)!))
    return {
      sql: ADD,
      params: [stored, textArray(distinct), numbers, textArray(keys), numberArray(after), textArray(texts), this.#clock.now()],
    }
  }

  async topics(): Promise<readonly string[]> {
    await this.#share?.refresh(this.#partitionsInHand)
    const rows = await this.#topicRows()
    return rows.map(({ topic }) => restored(topic))
  }

  async unsent(topic: string, max: number): Promise<readonly OutboxEntry[]> {
    const rows = this.#share === undefined ? await this.#unsentOfAll(topic, max) : await this.#unsentOfShare(this.#share, topic, max)
    return rows.map(({ position, sequence, event, added_at_ms: addedAtMs }) => ({
      position,
      topic,
      event: { ...event, sequence },
      addedAtMs,
    }))
  }

  /** Not fenced: the broker has confirmed them, whoever has the lease by now. */
  async markSent(positions: readonly number[]): Promise<void> {
    if (positions.length > 0) await this.#database.atomically([{ sql: DELETE_SENT, params: [numberArray(positions)] }])
    for (const position of positions) this.#inHand.delete(position)
  }

  async handBack(): Promise<void> {
    this.#inHand.clear()
    await this.#share?.handBack()
  }

  async backlog(): Promise<{ readonly messages: number; readonly oldestAtMs: number | undefined }> {
    const [row] = await this.#database.query<{ messages: number; oldest_at_ms: number | null }>({ sql: SELECT_BACKLOG })
    return { messages: row!.messages, oldestAtMs: row!.oldest_at_ms ?? undefined }
  }

  /** Tells of the commits of other processes too, where they notify: those of this library do, and those that call `seaworthy_outbox_add`. */
  onAdded(listener: (topic: string) => void): () => void {
    if (!this.#listening) {
      if (this.#wakeUp === undefined) this.#database.listen(CHANNEL, (topic) => this.#tell(restored(topic)))
      else this.#wakeUp.onAdded((topic) => this.#tell(topic))
    }
    this.#listening = true
    // A wrapper of its own for each call, so that one function may listen twice.
    const own = (topic: string) => listener(topic)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  explainStall(): Promise<readonly StallHolder[]> {
    return this.#doctor.blockers()
  }

  /** All topics with messages, without a walk through what was sent on those that are known. */
  async #topicRows(): Promise<readonly { readonly topic: string }[]> {
    const { known } = this.#floor
    if (known.size === 0) return this.#database.query<{ topic: string }>({ sql: SELECT_TOPICS })
    const floors = new Map(known)
    for (;;) {
      const params = [textArray([...floors.keys()]), numberArray([...floors.values()])]
      const rows = await this.#database.query<{ topic: string }>({ sql: SELECT_TOPICS_ABOVE, params })
      // Of several new ones between two known topics the first was found: the next lies behind it.
      const found = rows.filter(({ topic }) => !floors.has(topic))
      if (found.length === 0) return rows
      for (const { topic } of found) floors.set(topic, 0)
    }
  }

  #unsentOfAll(topic: string, max: number): Promise<readonly UnsentRow[]> {
    const stored = storable(topic)
    return this.#floor.read(stored, '', (floor) => this.#database.query({ sql: SELECT_UNSENT, params: [stored, max, floor] }))
  }

  async #unsentOfShare(share: PartitionShare, topic: string, max: number): Promise<readonly UnsentRow[]> {
    await share.refresh(this.#partitionsInHand)
    const { partitions } = share
    if (partitions.length === 0) return []
    const stored = storable(topic)
    const part = numberArray(partitions)
    const rows = await this.#floor.read<UnsentRow>(stored, part, (floor) =>
      this.#database.query({ sql: SELECT_UNSENT_OF, params: [stored, max, floor, part] }),
    )
    for (const { position, partition } of rows) this.#inHand.set(position, partition!)
    return rows
  }

  #added(topic: string): void {
    this.#tell(topic)
    if (this.#wakeUp === undefined) this.#database.notify(CHANNEL, storable(topic))
  }

  #tell(topic: string): void {
    for (const listener of this.#listeners) listener(topic)
  }
}

function keysTold(events: readonly EventEnvelope[]): readonly string[] {
  return events.length === 1 ? [events[0]!.key] : [...new Set(events.map(({ key }) => key))].slice(0, KEYS_TOLD_MAX)
}
