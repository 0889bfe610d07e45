import type { SqlValue, Statement } from 'seaworthy/core'
import type { NewStoredEvent } from 'seaworthy/event-sourcing'
import { prepared } from './prepared.ts'
import { numberArray, storable, textArray } from './values.ts'

/**
 * What an append does where the stream is not as it was expected.
 * - `counts`: stores nothing, and tells by its number of rows. For a transaction that goes on and asks why.
 * - `fails`: fails its transaction, whose COMMIT is already on its way.
 * - `alone`: as `counts`, and is its whole transaction: an id that is stored already may fail it, because nothing else fails with it.
 */
type Form = 'counts' | 'fails' | 'alone'

export interface Append {
  readonly stream: string
  readonly events: readonly NewStoredEvent[]
  /** The version that the stream is expected to be at; 0 for none. */
  readonly at: number
  readonly nowMs: number
}

/** How the events come: one in parameters of its own, which spares the server the arrays, or several in arrays. */
interface Shape {
  readonly insert: string
  readonly noneIsKnown: string
}

const COLUMNS = 'stream, version, id, type, schema_version, data, context, recorded_at_ms'
// As text first: some drivers make JSON of what is given for a parameter of type json, and so of the text a string.
const ONE: Shape = {
  insert: `INSERT INTO seaworthy_events (${COLUMNS}) SELECT $1, moved.version, $4, $5, $6::int, $7::text::json, $8::text::json, $3 FROM moved`,
  // seaworthy_events_by_id. Whoever stored it since this statement's snapshot has moved the version too.
  noneIsKnown: 'NOT EXISTS (SELECT FROM seaworthy_events e WHERE e.stream = $1 AND e.id = $4 OFFSET 0)',
}
const SEVERAL: Shape = {
  insert: `INSERT INTO seaworthy_events (${COLUMNS})
  SELECT $1, moved.version - $2 + e.place, e.id, e.type, e.schema_version, e.data::json, e.context::json, $3
  FROM moved, unnest($4::text[], $5::text[], $6::int[], $7::text[], $8::text[]) WITH ORDINALITY AS e (id, type, schema_version, data, context, place)
  ORDER BY e.place`,
  // The same index, a look-up for each id; OFFSET 0 keeps it one. Planned while there are few events, all ids at once would read the whole stream by the
  // other index, at each append.
  noneIsKnown: `NOT EXISTS (SELECT FROM unnest($4::text[]) AS i (id), LATERAL (
  SELECT FROM seaworthy_events e WHERE e.stream = $1 AND e.id = i.id OFFSET 0) AS known)`,
}

function statementsOf({ insert, noneIsKnown }: Shape) {
  // Primary key of seaworthy_streams, in all of them.
  const toNew = `WITH moved AS (
    INSERT INTO seaworthy_streams AS s (stream, version) VALUES ($1, $2)
    ON CONFLICT (stream) DO UPDATE SET version = $2 WHERE s.version = 0
    RETURNING version
  ) ${insert}`
  const move = 'UPDATE seaworthy_streams SET version = version + $2 WHERE stream = $1 AND version = $9 AND archived_at_ms IS NULL'
  const at = `WITH moved AS (${move} RETURNING version) ${insert}`
  const failing = (
    append: string,
  ) => `${append.replace('INSERT INTO seaworthy_events', ', stored AS (INSERT INTO seaworthy_events')} RETURNING 1)
  SELECT seaworthy_refuse_append() WHERE NOT EXISTS (SELECT FROM stored)`
  const ofForm = (append: string, counting: string): Readonly<Record<Form, string>> => ({
    counts: prepared(counting),
    fails: prepared(failing(append)),
    alone: prepared(append),
  })
  return { toNew: ofForm(toNew, toNew), at: ofForm(at, `WITH moved AS (${move} AND ${noneIsKnown} RETURNING version) ${insert}`) }
}

const APPEND_ONE = statementsOf(ONE)
const APPEND_SEVERAL = statementsOf(SEVERAL)

/** The append to one stream, in each of its forms. Its row is locked until the transaction ends. */
export function appendStatements({ stream, events, at, nowMs }: Append): (form: Form) => Statement {
  const isOne = events.length === 1
  const { toNew, at: atVersion } = isOne ? APPEND_ONE : APPEND_SEVERAL
  const params: readonly SqlValue[] = [storable(stream), events.length, nowMs, ...(isOne ? parameters(events[0]!) : arrays(events))]
  if (at === 0) return (form) => ({ sql: toNew[form], params })
  const expecting = [...params, at]
  return (form) => ({ sql: atVersion[form], params: expecting })
}

function parameters({ id, type, schemaVersion, data, context }: NewStoredEvent): readonly SqlValue[] {
  return [storable(id), storable(type), schemaVersion, JSON.stringify(data ?? null), JSON.stringify(context)]
}

function arrays(events: readonly NewStoredEvent[]): readonly SqlValue[] {
  return [
    textArray(events.map(({ id }) => storable(id))),
    textArray(events.map(({ type }) => storable(type))),
    numberArray(events.map(({ schemaVersion }) => schemaVersion)),
    textArray(events.map(({ data }) => JSON.stringify(data ?? null))),
    textArray(events.map(({ context }) => JSON.stringify(context))),
  ]
}
