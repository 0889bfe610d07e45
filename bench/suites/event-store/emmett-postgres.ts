import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Pool } from 'pg'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender } from '../../harness/suite.ts'
import { type Load, MANY, round } from './append-postgres.ts'
import { newEvents } from './events.ts'

interface Emmett {
  readonly getPostgreSQLEventStore: (
    url: string,
    options: object,
  ) => {
    readonly schema: { migrate(): Promise<unknown> }
    appendToStream(stream: string, events: readonly object[], options: object): Promise<unknown>
  }
}

/** The one that the conformance kit puts its tests to. */
async function emmettPackage(): Promise<Emmett> {
  const { resolve } = createRequire(new URL('../../../packages/conformance/package.json', import.meta.url))
  return (await import(pathToFileURL(resolve('@event-driven-io/emmett-postgresql')).href)) as Emmett
}

/** Over a pool with a session for each caller, its tables made beforehand. */
const emmett =
  (load: Load): Contender =>
  async (effort) => {
    const server = await startPostgres({ fsync: true })
    const { url } = await server.createDatabase()
    const pool = new Pool({ connectionString: url, max: load.callers })
    const { getPostgreSQLEventStore } = await emmettPackage()
    const store = getPostgreSQLEventStore(url, { schema: { autoMigration: 'None' }, connectionOptions: { pooled: true, pool } })
    await store.schema.migrate()
    return round(load, effort, (stream, version) => {
      const events = newEvents(load.events).map(({ id, type, data, context }) => ({
        type,
        data: data as Record<string, unknown>,
        metadata: { messageId: id, ...context },
      }))
      return store.appendToStream(stream, events, { expectedStreamVersion: version === 0 ? 'STREAM_DOES_NOT_EXIST' : BigInt(version) })
    })
  }

export const emmett1x1 = emmett({ callers: 1, events: 1 })
export const emmett1x10 = emmett({ callers: 1, events: 10 })
export const emmettManyX1 = emmett({ callers: MANY, events: 1 })
export const emmettManyX10 = emmett({ callers: MANY, events: 10 })
