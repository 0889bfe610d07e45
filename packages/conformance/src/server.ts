import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { startPostgres } from '@seaworthy/testing/postgres-server'
import { ConfigurationError } from 'seaworthy/core'

/** The PostgreSQL of a run: whoever runs the kit gives a throw-away one, or it starts its own. */
export interface ConformanceServer {
  readonly version: string
  readonly administrator: Client
  createDatabase(): Promise<string>
  dropDatabase(url: string): Promise<void>
  close(): Promise<void>
}

const SETTINGS = {
  wal_level: 'logical',
  max_replication_slots: '20',
  max_wal_senders: '20',
  max_connections: '200',
  // Found after a moment instead of a second.
  deadlock_timeout: '100ms',
}
const SELECT_FITNESS = `SELECT current_setting('server_version') AS version, current_setting('wal_level') AS wal_level,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser, pg_is_in_recovery() AS standby,
  current_setting('synchronous_standby_names') AS standbys`
const SELECT_SLOTS = 'SELECT slot_name FROM pg_replication_slots WHERE database = $1'
const TERMINATE_READER =
  'SELECT pg_terminate_backend(active_pid, 1000) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL'
const DROP_ATTEMPTS = 50

/**
 * Connects to the server, or starts an empty one.
 * @throws ConfigurationError when it is not one to try this on: the kit drops slots, terminates sessions and changes a setting of the whole server
 */
export async function openServer(url: string | undefined): Promise<ConformanceServer> {
  const embedded = url === undefined ? await startPostgres({ settings: SETTINGS }) : undefined
  const base = url ?? embedded!.url('postgres')
  const administrator = new Client({ connectionString: base })
  administrator.on('error', () => undefined)
  try {
    await administrator.connect()
    const version = await fitness(administrator)
    return {
      version,
      administrator,
      createDatabase: async () => {
        const name = `conformance_${randomUUID().replaceAll('-', '').slice(0, 12)}`
        await administrator.query(`CREATE DATABASE ${name}`)
        const own = new URL(base)
        own.pathname = `/${name}`
        return own.href
      },
      dropDatabase: async (own) => {
        const name = new URL(own).pathname.slice(1)
        await dropSlots(administrator, name)
        await administrator.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      },
      close: async () => {
        await administrator.end()
        await embedded?.stop()
      },
    }
  } catch (error) {
    await administrator.end().catch(() => undefined)
    await embedded?.stop()
    throw error
  }
}

async function fitness(client: Client): Promise<string> {
  const { rows } = await client.query<{ version: string; wal_level: string; superuser: boolean; standby: boolean; standbys: string }>(
    SELECT_FITNESS,
  )
  const { version, wal_level: walLevel, superuser, standby, standbys } = rows[0]!
  const misfits = [
    walLevel === 'logical' ? undefined : `wal_level is ${walLevel}, and must be logical`,
    superuser ? undefined : 'the role is no superuser',
    standby ? 'it is a standby' : undefined,
    standbys === '' ? undefined : 'it has synchronous standbys',
  ].filter((misfit) => misfit !== undefined)
  if (misfits.length === 0) return version
  throw new ConfigurationError(
    `This PostgreSQL cannot be used: ${misfits.join('; ')}. Give the address of a throw-away server, as its superuser.`,
  )
}

/** Drops the replication slots that a database has, whoever reads from them. @returns their names */
export async function dropSlots(client: Client, database: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ slot_name: string }>(SELECT_SLOTS, [database])
  const names = rows.map(({ slot_name: name }) => name)
  for (const name of names) await dropSlot(client, name)
  return names
}

async function dropSlot(client: Client, name: string): Promise<void> {
  // The reader may come back between the end of its session and the drop.
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(TERMINATE_READER, [name])
      await client.query('SELECT pg_drop_replication_slot($1)', [name])
      return
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === '42704') return
      if (code !== '55006' || attempt === DROP_ATTEMPTS) throw error
    }
  }
}
