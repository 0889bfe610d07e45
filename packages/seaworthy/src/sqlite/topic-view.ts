import { existsSync } from 'node:fs'
import type { LogRecord } from 'seaworthy/messaging'
import { Connection } from './connection.ts'
import { SqliteBusyError } from './errors.ts'
import { topicPath } from './topic-file.ts'

const DATA_VERSION = 'PRAGMA data_version'
const IS_MIGRATED = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'topic'` // no index: a few rows
const SELECT_LOG_ID = 'SELECT log_id FROM topic' // one row
// Primary key of partition; the first offset by index record_by_offset.
const SELECT_PARTITIONS = `SELECT partition, next_offset,
    coalesce((SELECT min(offset) FROM record WHERE record.partition = partition.partition), next_offset) AS first_offset
  FROM partition ORDER BY partition`
// Index record_by_offset.
const SELECT_PAGE = `SELECT offset, appended_at_ms, event FROM record WHERE partition = ? AND offset >= ? ORDER BY offset LIMIT ? + 0`
const SELECT_TIME = 'SELECT appended_at_ms FROM record WHERE partition = ? AND offset = ?' // index record_by_offset

/** What is in a partition: offsets from `first`, up to and without `next`. */
export interface PartitionBounds {
  readonly partition: number
  readonly first: number
  readonly next: number
}

interface PageRow {
  readonly offset: number
  readonly appended_at_ms: number
  readonly event: string
}

/** A topic's file as others than its writer see it: read-only, a page at a time, no transaction left open. */
export class TopicView {
  readonly topic: string
  /** Tells this log from another that was created under the same name later. */
  readonly logId: string
  readonly #connection: Connection

  private constructor(topic: string, connection: Connection, logId: string) {
    this.topic = topic
    this.#connection = connection
    this.logId = logId
  }

  /** Undefined while its writer has not created the topic. */
  static open(directory: string, topic: string): TopicView | undefined {
    const path = topicPath(directory, topic)
    if (!existsSync(path)) return undefined
    let connection: Connection | undefined
    try {
      connection = new Connection({ path, readOnly: true, statementsMax: 16 })
      if (connection.all({ sql: IS_MIGRATED }).length > 0) {
        const [row] = connection.all<{ log_id: string }>({ sql: SELECT_LOG_ID })
        if (row !== undefined) return new TopicView(topic, connection, row.log_id)
      }
    } catch (error) {
      connection?.close()
      // Its writer is just creating it, or recovering it after a crash.
      if (error instanceof SqliteBusyError) return undefined
      throw error
    }
    connection.close()
    return undefined
  }

  /** Changes whenever another connection has committed. */
  version(): unknown {
    return this.#connection.first(DATA_VERSION)?.['data_version']
  }

  bounds(): readonly PartitionBounds[] {
    const rows = this.#connection.all<{ partition: number; next_offset: number; first_offset: number }>({ sql: SELECT_PARTITIONS })
    return rows.map((row) => ({ partition: row.partition, first: row.first_offset, next: row.next_offset }))
  }

  page(partition: number, offset: number, max: number): readonly LogRecord[] {
    const rows = this.#connection.all<PageRow>({ sql: SELECT_PAGE, params: [partition, offset, max] })
    return rows.map((row) => ({
      topic: this.topic,
      partition,
      offset: row.offset,
      appendedAtMs: row.appended_at_ms,
      event: parsed(row.event),
    }))
  }

  /** The first offset of a partition stored at or after a time, by halves: times do not go back within a partition. */
  offsetAt({ partition, first, next }: PartitionBounds, epochMs: number): number {
    let low = first
    let high = next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [row] = this.#connection.all<{ appended_at_ms: number }>({ sql: SELECT_TIME, params: [partition, middle] })
      // A record that has just been deleted was older than what is left.
      if (row === undefined || row.appended_at_ms < epochMs) low = middle + 1
      else high = middle
    }
    return low
  }

  close(): void {
    this.#connection.close()
  }
}

/** What was stored. Text that is no JSON is handed on as it lies: the consumer sets aside what is no event, and shows it to a person. */
function parsed(text: string): LogRecord['event'] {
  try {
    return JSON.parse(text) as LogRecord['event']
  } catch {
    return text as unknown as LogRecord['event']
  }
}
