import { eventStoreSchema, migrate, openPostgresDatabase, postgresEventStore } from '@seaworthy/postgres'
import { Pool } from 'pg'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'
import { perSecond } from '../messaging/order.ts'
import { newEvents } from './events.ts'

const module = import.meta.url
export const MANY = 32
const CREATE_STREAMS = 'CREATE TABLE streams (stream text PRIMARY KEY, version bigint NOT NULL)'
const CREATE_EVENTS = `CREATE TABLE events (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream text NOT NULL, version bigint NOT NULL, id text NOT NULL, type text NOT NULL, data json NOT NULL,
  context json NOT NULL, UNIQUE (stream, version), UNIQUE (stream, id))`
// What anybody writes first: the version is checked, the stream moved, the events inserted, all in one statement.
const APPEND = `WITH moved AS (
    INSERT INTO streams AS s (stream, version) VALUES ($1, $2)
    ON CONFLICT (stream) DO UPDATE SET version = s.version + $2 WHERE s.version = $3 RETURNING version)
  INSERT INTO events (stream, version, id, type, data, context)
  SELECT $1, moved.version - $2 + e.place, e.id, e.type, e.data::json, e.context::json
  FROM moved, unnest($4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY AS e (id, type, data, context, place)`

/** Appends per call, so many callers at once, each with a stream of its own at a time. */
export interface Load {
  readonly callers: number
  readonly events: number
}

function appends({ callers }: Load, { quick }: Effort): number {
  return (quick ? 100 : 1_500) * (callers === 1 ? 1 : 3)
}

/** Each caller appends to a stream of its own, over and over. */
export function round(load: Load, effort: Effort, append: (stream: string, expected: number) => Promise<unknown>): () => Promise<number> {
  let rounds = 0
  return () => {
    rounds++
    const idle = Array.from({ length: load.callers }, (_, caller) => ({ stream: `stream-${rounds}-${caller}`, version: 0 }))
    return perSecond(appends(load, effort), load.callers, async () => {
      const own = idle.pop()!
      await append(own.stream, own.version)
      own.version += load.events
      idle.push(own)
    })
  }
}

const ours =
  (load: Load): Contender =>
  async (effort) => {
    const server = await startPostgres({ fsync: true })
    const { url } = await server.createDatabase()
    const database = await openPostgresDatabase({ connection: url, transactionsMax: load.callers })
    await migrate(database, [eventStoreSchema])
    const store = postgresEventStore(database)
    return round(load, effort, (stream, version) =>
      database.pipelined((tx) => store.append(tx, stream, newEvents(load.events), version === 0 ? 'no-stream' : version)),
    )
  }

const bare =
  (load: Load): Contender =>
  async (effort) => {
    const server = await startPostgres({ fsync: true })
    const { url } = await server.createDatabase()
    const pool = new Pool({ connectionString: url, max: load.callers })
    await pool.query(CREATE_STREAMS)
    await pool.query(CREATE_EVENTS)
    return round(load, effort, async (stream, version) => {
      const events = newEvents(load.events)
      const texts = [
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map(({ data }) => JSON.stringify(data)),
        events.map(({ context }) => JSON.stringify(context)),
      ]
      const { rowCount } = await pool.query({ name: 'append', text: APPEND, values: [stream, load.events, version, ...texts] })
      if (rowCount !== load.events) throw new Error(`${stream} was not at version ${version}.`)
    })
  }

export const ours1x1 = ours({ callers: 1, events: 1 })
export const bare1x1 = bare({ callers: 1, events: 1 })
export const ours1x10 = ours({ callers: 1, events: 10 })
export const bare1x10 = bare({ callers: 1, events: 10 })
export const oursManyX1 = ours({ callers: MANY, events: 1 })
export const bareManyX1 = bare({ callers: MANY, events: 1 })
export const oursManyX10 = ours({ callers: MANY, events: 10 })
export const bareManyX10 = bare({ callers: MANY, events: 10 })

const emmett = new URL('emmett-postgres.ts', module).href
const described = { unit: 'appends per second', better: 'higher' } as const

/** Ours beside the bare statement, and beside Emmett. */
function metrics(
  callers: '1' | 'many',
  events: number,
  names: { readonly ours: string; readonly bare: string; readonly emmett: string },
): readonly Metric[] {
  const name = `append-postgres-${callers}x${events}`
  const load = `${callers === 'many' ? MANY : 1} callers, ${events} ${events === 1 ? 'event' : 'events'} each, PostgreSQL with fsync on.`
  const ours = { module, name: names.ours }
  return [
    {
      name,
      ...described,
      peer: 'one bare statement that checks the version and inserts',
      target: { ratioMin: 0.85 },
      note: `${load} The bare statement knows no archive, tells nobody, and its conflict is a number.`,
      contenders: { ours, peer: { module, name: names.bare } },
    },
    {
      name: `${name}-emmett`,
      ...described,
      peer: 'Emmett 0.42 on PostgreSQL',
      target: { ratioMin: 1 },
      note: `${load} Emmett over a pool with a session for each caller; it tells nobody either.`,
      rounds: 7,
      contenders: { ours, peer: { module: emmett, name: names.emmett } },
    },
  ]
}

export const appendPostgresMetrics: readonly Metric[] = [
  ...metrics('1', 1, { ours: 'ours1x1', bare: 'bare1x1', emmett: 'emmett1x1' }),
  ...metrics('1', 10, { ours: 'ours1x10', bare: 'bare1x10', emmett: 'emmett1x10' }),
  ...metrics('many', 1, { ours: 'oursManyX1', bare: 'bareManyX1', emmett: 'emmettManyX1' }),
  ...metrics('many', 10, { ours: 'oursManyX10', bare: 'bareManyX10', emmett: 'emmettManyX10' }),
]
