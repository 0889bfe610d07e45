import { type Clock, LimitExceededError, newId } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type SqliteDatabase, type SqliteDatabaseOptions, openSqliteDatabase } from './database.ts'
import { Doorbell } from './doorbell.ts'
import { migrate } from './migrate.ts'
import type { SqliteTransaction } from './open-transaction.ts'
import { TOPIC_SCHEMA, bellPath, partitionOf, topicPath } from './topic-file.ts'

const COUNT_PARTITIONS = 'SELECT count(*) AS partitions FROM partition' // the whole table: a row for each partition
const INSERT_TOPIC = 'INSERT INTO topic (log_id) VALUES (?)'
const INSERT_PARTITION = 'INSERT INTO partition (partition, next_offset, last_appended_at_ms) VALUES (?, 0, 0)'
// Primary key of partition. The time never goes back within a partition, so that it can be searched by halves.
const TAKE_OFFSETS = `UPDATE partition SET next_offset = next_offset + ?, last_appended_at_ms = max(last_appended_at_ms, ?)
  WHERE partition = ? RETURNING next_offset, last_appended_at_ms`
const INSERT_RECORD = 'INSERT INTO record (partition, offset, appended_at_ms, event) VALUES (?, ?, ?, ?)'
const DELETE_RECORDS = 'DELETE FROM record WHERE partition = ? AND offset < ?' // index record_by_offset

export interface TopicWriterOptions extends Omit<SqliteDatabaseOptions, 'path'> {
  readonly directory: string
  readonly topic: string
  /** Of a topic that is created. One that exists keeps its number, or its keys would lose their order. */
  readonly partitions: number
  readonly recordBytesMax: number
  readonly clock: Clock
}

/** The one writer of a topic. */
export class TopicWriter {
  readonly topic: string
  readonly #database: SqliteDatabase
  readonly #bell: Doorbell
  readonly #partitions: number
  readonly #recordBytesMax: number
  readonly #clock: Clock

  private constructor(options: TopicWriterOptions, database: SqliteDatabase, bell: Doorbell, partitions: number) {
    this.topic = options.topic
    this.#database = database
    this.#bell = bell
    this.#partitions = partitions
    this.#recordBytesMax = options.recordBytesMax
    this.#clock = options.clock
  }

  static async open(options: TopicWriterOptions): Promise<TopicWriter> {
    const database = await openSqliteDatabase({ ...options, path: topicPath(options.directory, options.topic) })
    // Before the tables: a reader that finds the tables finds the bell.
    const bell = new Doorbell(bellPath(options.directory, options.topic))
    try {
      await migrate(database, [TOPIC_SCHEMA], { clock: options.clock })
      const partitions = await database.transaction((tx) => createPartitions(tx, options.partitions))
      bell.ring()
      return new TopicWriter(options, database, bell, partitions)
    } catch (error) {
      bell.close()
      await database.close()
      throw error
    }
  }

  /** Settles once the records are durable. */
  async append(events: readonly EventEnvelope[]): Promise<void> {
    if (events.length === 0) return
    const byPartition = new Map<number, string[]>()
    for (const event of events) {
      const partition = partitionOf(event.key, this.#partitions)
      const texts = byPartition.get(partition) ?? []
      texts.push(this.#serialized(event))
      byPartition.set(partition, texts)
    }
    await this.#database.transaction(async (tx) => {
      for (const [partition, texts] of byPartition) {
        const [taken] = await tx.query<{ next_offset: number; last_appended_at_ms: number }>({
          sql: TAKE_OFFSETS,
          params: [texts.length, this.#clock.now(), partition],
        })
        const first = taken!.next_offset - texts.length
        for (const [index, text] of texts.entries()) {
          await tx.execute({ sql: INSERT_RECORD, params: [partition, first + index, taken!.last_appended_at_ms, text] })
        }
      }
      tx.afterCommit(() => this.#bell.ring())
    })
  }

  /** Deletes what lies before an offset of a partition. @returns how many records that were */
  async deleteBefore(partition: number, offset: number): Promise<number> {
    const [deleted] = await this.#database.atomically([{ sql: DELETE_RECORDS, params: [partition, offset] }])
    return deleted!.rowCount
  }

  async close(): Promise<void> {
    await this.#database.close()
    this.#bell.close()
  }

  #serialized(event: EventEnvelope): string {
    const text = JSON.stringify(event)
    const bytes = Buffer.byteLength(text)
    if (bytes <= this.#recordBytesMax) return text
    throw new LimitExceededError(
      `Event ${event.id} of type ${event.type} is ${bytes} bytes long; recordBytesMax is ${this.#recordBytesMax}. Store what is large elsewhere and publish where it is.`,
      { final: true },
    )
  }
}

async function createPartitions(tx: SqliteTransaction, wanted: number): Promise<number> {
  const [found] = await tx.query<{ partitions: number }>({ sql: COUNT_PARTITIONS })
  if (found!.partitions > 0) return found!.partitions
  await tx.execute({ sql: INSERT_TOPIC, params: [newId()] })
  for (let partition = 0; partition < wanted; partition++) await tx.execute({ sql: INSERT_PARTITION, params: [partition] })
  return wanted
}
