import type { Statement } from 'seaworthy/core'
import type { SagaAdvance } from 'seaworthy/saga'
import type { PostgresDatabase } from './database.ts'
import { GroupCommit } from './group-commit.ts'
import { WAIT_BRIEFLY, isOfOne } from './grouped-statements.ts'
import { numberArray, storable, textArray } from './values.ts'

// Primary keys of both tables. The rows are held until the transaction ends, so that the lines of two at one time get numbers apart; and who has an old token
// finds none. A saga is there once at most: its writes go one after another. Planned anew each time: a plan from when the table was empty would read all of it.
// It goes together with its COMMIT, so it fails unless all of them go on: one is somebody else's by now, and each by itself says which.
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

interface Advance {
  readonly id: string
  readonly advance: SagaAdvance
}

/** Writes that many sagas make at one time, in few transactions. */
export class SagaAdvances {
  readonly #database: PostgresDatabase
  readonly #one: (id: string, advance: SagaAdvance) => Statement
  readonly #groups: GroupCommit<Advance, boolean>

  /** @param one the statement for a single one */
  constructor(database: PostgresDatabase, one: (id: string, advance: SagaAdvance) => Statement) {
    this.#database = database
    this.#one = one
    this.#groups = new GroupCommit({
      commit: (group) => this.#commit(group),
      isOfOne,
      alone: (one) => this.#alone(one),
      groupSizeMax: 64,
      groupsMax: 4,
    })
  }

  /** @returns false when the token or the status is another */
  advance(id: string, advance: SagaAdvance): Promise<boolean> {
    return this.#groups.add({ id, advance })
  }

  async #commit(group: readonly Advance[]): Promise<readonly boolean[]> {
    const [first, ...others] = group
    if (first !== undefined && others.length === 0) return [await this.#alone(first)]
    await this.#together(group)
    return group.map(() => true)
  }

  async #alone({ id, advance }: Advance): Promise<boolean> {
    const [advanced] = await this.#database.atomically([this.#one(id, advance)])
    return advanced?.rowCount === 1
  }

  async #together(group: readonly Advance[]): Promise<void> {
    // In the order of their ids, in which everybody takes the rows.
    const batch = group.toSorted((one, other) => (one.id < other.id ? -1 : 1))
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
    await this.#database.atomically([WAIT_BRIEFLY, { sql: ADVANCE_MANY, params }])
  }
}
