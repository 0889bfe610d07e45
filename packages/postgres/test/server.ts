import { after } from 'node:test'
import { Client } from 'pg'
import { type PostgresDatabase, type PostgresDatabaseOptions, openPostgresDatabase } from '@seaworthy/postgres'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'

interface Started {
  readonly server: PostgresServer
  readonly administrator: Client
}

let started: Promise<Started> | undefined
let schemas = 0

// At the top of the file that imports this, and so after its last test.
after(async () => {
  const running = await started
  await running?.administrator.end()
  await running?.server.stop()
})

async function start(): Promise<Started> {
  // A deadlock is found after a moment instead of a second: the suites make some on purpose.
  const server = await startPostgres({ settings: { deadlock_timeout: '20ms', max_prepared_transactions: '10' } })
  const administrator = new Client({ connectionString: server.url('postgres') })
  // A test may make the server crash.
  administrator.on('error', () => undefined)
  await administrator.connect()
  return { server, administrator }
}

export interface DatabaseForTest {
  readonly url: string
  readonly database: PostgresDatabase
  /** Another process's handle on it. */
  readonly openAnother: (options?: Omit<PostgresDatabaseOptions, 'connection'>) => Promise<PostgresDatabase>
  /** A bare session, as another program has one. It ends with the test. */
  readonly connect: () => Promise<Client>
  readonly dispose: () => Promise<void>
}

/** An empty schema of its own: as good as a database of its own, and made in a hundredth of the time. */
export async function databaseForTest(options: Omit<PostgresDatabaseOptions, 'connection'> = {}): Promise<DatabaseForTest> {
  started ??= start()
  const { server, administrator } = await started
  const schema = `test_${++schemas}`
  await administrator.query(`CREATE SCHEMA ${schema}`)
  const url = `${server.url('postgres')}?options=${encodeURIComponent(`-c search_path=${schema}`)}`
  const opened: PostgresDatabase[] = []
  const openAnother = async (own: Omit<PostgresDatabaseOptions, 'connection'> = {}) => {
    // Bounds that a busy machine does not reach.
    const patient = { waitMs: 60_000, transactionTimeoutMs: 60_000 }
    const database = await openPostgresDatabase({ connection: url, ...patient, ...options, ...own })
    opened.push(database)
    return database
  }
  const clients: Client[] = []
  const connect = async () => {
    const client = new Client({ connectionString: url })
    // Some tests end sessions from the server's side.
    client.on('error', () => undefined)
    clients.push(client)
    await client.connect()
    return client
  }
  return {
    url,
    database: await openAnother(),
    openAnother,
    connect,
    dispose: async () => {
      await Promise.all(clients.map((client) => client.end()))
      await Promise.all(opened.map((database) => database.close()))
    },
  }
}
