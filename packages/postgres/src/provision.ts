import { Client } from 'pg'
import { InvalidInputError } from 'seaworthy/core'

export interface ProvisionOptions {
  /** The connection string of a role that may make roles and databases: a superuser. */
  readonly administrator: string
  /** Of the role, and of the database that it owns: lower-case letters, digits and underscores. */
  readonly name: string
  /** What the role's password is from now on. */
  readonly password: string
  /** Whether the role may have the server drop its log too, as forgetting people does: see `scrubTables`. Before PostgreSQL 15 no role but a superuser makes checkpoints. Default false. */
  readonly mayScrub?: boolean
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
}

const NAME = /^[a-z_][a-z0-9_]{0,62}$/
// Until the session ends: of several who provision one name at a time, one makes it and the others find it made.
const LOCK = "SELECT pg_advisory_lock(hashtextextended('seaworthy.provision ' || $1, 0))"
const SELECT_ROLE = 'SELECT FROM pg_roles WHERE rolname = $1'
const SELECT_DATABASE = 'SELECT FROM pg_database WHERE datname = $1'

/**
 * Makes a database and the one role that may use it, as far as they are missing; whoever runs it again only sets the password. Neither is anybody else's to
 * connect to: by default PostgreSQL lets every role connect to every database. Text is ordered by bytes there, as SQLite orders it.
 * @returns the connection string of the role with its database
 */
export async function provisionDatabase(options: ProvisionOptions): Promise<string> {
  const { administrator, name, password, mayScrub = false, connectTimeoutMs = 5_000 } = options
  if (!NAME.test(name)) {
    throw new InvalidInputError(`"${name}" is no name for a role and its database.`, [
      { field: 'name', message: 'must be of lower-case letters, digits and underscores, 63 at most' },
    ])
  }
  const client = new Client({ connectionString: administrator, connectionTimeoutMillis: connectTimeoutMs })
  // A server that goes away in between is told of by the statement.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const own = client.escapeIdentifier(name)
    await client.query(LOCK, [name])
    if ((await client.query(SELECT_ROLE, [name])).rowCount === 0) await client.query(`CREATE ROLE ${own}`)
    await client.query(`ALTER ROLE ${own} WITH LOGIN PASSWORD ${client.escapeLiteral(password)}`)
    if ((await client.query(SELECT_DATABASE, [name])).rowCount === 0)
      await client.query(`CREATE DATABASE ${own} OWNER ${own} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`)
    await client.query(`REVOKE ALL ON DATABASE ${own} FROM PUBLIC`)
    if (mayScrub) await allowScrubbing(client, own, inDatabase(administrator, name))
  } finally {
    await client.end()
  }
  const url = new URL(inDatabase(administrator, name))
  url.username = name
  url.password = password
  return url.href
}

function inDatabase(connection: string, name: string): string {
  const url = new URL(connection)
  url.pathname = `/${name}`
  return url.href
}

/** A checkpoint is the server's, and the right to a function a database's. Before PostgreSQL 15 a superuser alone makes checkpoints. */
async function allowScrubbing(administrator: Client, role: string, connection: string): Promise<void> {
  if ((await administrator.query(SELECT_ROLE, ['pg_checkpoint'])).rowCount !== 0)
    await administrator.query(`GRANT pg_checkpoint TO ${role}`)
  const inside = new Client({ connectionString: connection })
  inside.on('error', () => undefined)
  await inside.connect()
  try {
    await inside.query(`GRANT EXECUTE ON FUNCTION pg_switch_wal() TO ${role}`)
  } finally {
    await inside.end()
  }
}
