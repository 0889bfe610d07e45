import type { Statement } from 'seaworthy/core'
import type { SagaAdvance } from 'seaworthy/saga'
import type { PostgresDatabase } from './database.ts'
import { PostgresError } from './errors.ts'
import { numberArray, storable, textArray } from './values.ts'

// Primary keys of both tables. The rows are held until the transaction ends, so that the lines of two at one time get numbers apart; and who has an old token
// finds none. A saga is there once at most: its writes go one after another. Planned anew each time: a plan from when the table was empty would read all of it.
// It goes together with its COMMIT, so it fails unless all of them go on.
const ADVANCE_MANY = `WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[])
      AS a (id, token, status, lines, next, reason, at_ms)
  ), advanced AS (
    UPDATE seaworthy_sagas s SET entries = s.entries + a.lines, status = coalesce(nullif(a.next, ''), s.status),
      reason = coalesce(nullif(a.reason, ''), s.reason), updated_at_ms = CASE WHEN a.next = '' THEN s.updated_at_ms ELSE a.at_ms END
    FROM asked a WHERE s.id = a.id AND s.token = a.token AND s.status = a.status
    RETURNING s.id, s.entries - a.lines AS before
  ), lines AS (
    INSERT INTO seaworthy_saga_journal (saga_id, number, entry)
    SELECT advanced.id, advanced.before + e.place, e.entry::json
    FROM unnest($8::text[], $9::int[], $10::text[]) AS e (id, place, entry) JOIN advanced USING (id)
  )
  SELECT CASE WHEN count(*) = cardinality($1::text[]) THEN 1 ELSE ('only ' || count(*) || ' of them')::int END FROM advanced`
const NOT_ALL = '22P02' // invalid_text_representation

interface Waiting {
  readonly id: string
  readonly advance: SagaAdvance
  readonly settle: (outcome: boolean | Promise<boolean>) => void
}

const BATCH_MAX = 64
/** So that one which waits for a row does not hold up all others. */
const TRANSACTIONS_MAX = 4

/** Writes that many sagas make at one time, in few transactions: what waits for one of these goes with the next. */
export class SagaAdvances {
  readonly #database: PostgresDatabase
  readonly #one: (id: string, advance: SagaAdvance) => Statement
  readonly #waiting: Waiting[] = []
  #transactions = 0

  /** @param one the statement for a single one */
  constructor(database: PostgresDatabase, one: (id: string, advance: SagaAdvance) => Statement) {
    this.#database = database
    this.#one = one
  }

  /** @returns false when the token or the status is another */
  advance(id: string, advance: SagaAdvance): Promise<boolean> {
    return new Promise((settle) => {
      this.#waiting.push({ id, advance, settle })
      if (this.#transactions < TRANSACTIONS_MAX) void this.#write()
    })
  }

  /** Writes until nothing waits. Never rejects. */
  async #write(): Promise<void> {
    this.#transactions++
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      try {
        const isAdvanced = await this.#commit(batch)
        for (const { settle } of batch) settle(isAdvanced)
      } catch (error) {
        // One of them is somebody else's by now. Each by itself, it says which.
        if (error instanceof PostgresError && error.sqlState === NOT_ALL && batch.length > 1)
          for (const one of batch) one.settle(this.#alone(one))
        else for (const { settle } of batch) settle(Promise.reject(error))
      }
    }
    this.#transactions--
  }

  /** In the order of their ids, in which everybody takes the rows. */
  #take(): readonly Waiting[] {
    return this.#waiting.splice(0, BATCH_MAX).toSorted((one, other) => (one.id < other.id ? -1 : 1))
  }

  async #alone({ id, advance }: Waiting): Promise<boolean> {
    const [advanced] = await this.#database.atomically([this.#one(id, advance)])
    return advanced?.rowCount === 1
  }

  /** @returns whether they go on */
  async #commit(batch: readonly Waiting[]): Promise<boolean> {
    const [first] = batch
    if (batch.length === 1 && first !== undefined) return this.#alone(first)
    const lines = batch.flatMap(({ id, advance }) => advance.entries.map((entry, index) => ({ id, place: index + 1, entry })))
    const params = [
      textArray(batch.map(({ id }) => storable(id))),
      numberArray(batch.map(({ advance }) => advance.token)),
      textArray(batch.map(({ advance }) => advance.from)),
      numberArray(batch.map(({ advance }) => advance.entries.length)),
      textArray(batch.map(({ advance }) => advance.to ?? '')),
      textArray(batch.map(({ advance }) => storable(advance.reason ?? ''))),
      numberArray(batch.map(({ advance }) => Math.ceil(advance.atMs))),
      textArray(lines.map(({ id }) => storable(id))),
      numberArray(lines.map(({ place }) => place)),
      textArray(lines.map(({ entry }) => JSON.stringify(entry))),
    ]
    await this.#database.atomically([{ sql: ADVANCE_MANY, params }])
    return true
  }
}
