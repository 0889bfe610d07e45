import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { Client } from 'pg'
import { provisionDatabase } from '@seaworthy/postgres'
import { type PostgresServer, startPostgres } from '@seaworthy/testing/postgres-server'
import { filesWith } from '../../../packages/seaworthy/test/event-sourcing/files-with.ts'
import { STAGES } from '../../stages/stages.ts'
import { erasureSuite } from './erasure-suite.ts'

/** Of the test's own, because it is asked about all of its files. */
let server: PostgresServer
let administrator: Client
let directory: string
const folder = mkdtempSync(join(tmpdir(), 'shop-erasure-'))

before(async () => {
  server = await startPostgres({ settings: { wal_recycle: 'off' } })
  administrator = new Client({ connectionString: server.url('postgres') })
  await administrator.connect()
  directory = (await administrator.query<{ data_directory: string }>('SHOW data_directory')).rows[0]!.data_directory
})
after(async () => {
  await administrator.end()
  await server.stop()
  rmSync(folder, { recursive: true })
})

erasureSuite('PostgreSQL, without a monolith', {
  options: () => ({
    folder,
    stage: STAGES.length - 1,
    postgres: ({ name }) =>
      provisionDatabase({ administrator: server.url('postgres'), name: name.replaceAll('-', '_'), password: 'secret', mayScrub: true }),
  }),
  filesWith: (text) => [directory, folder].flatMap((path) => filesWith(path, Buffer.from(text))),
  settle: async () => {
    await administrator.query('CHECKPOINT')
  },
})
