import { after } from 'node:test'
import { startPostgres } from '../../../../test/servers/embedded-postgres.ts'
import { openReadModelStore } from '../../../platform/read-model-store.ts'
import { historySuite } from './history-suite.ts'

let server: ReturnType<typeof startPostgres> | undefined
after(async () => (await server)?.stop())

historySuite('PostgreSQL', async (t) => {
  server ??= startPostgres()
  const { url } = await (await server).createDatabase()
  const open = () =>
    openReadModelStore({ url, variable: 'SHOP_HISTORY_STORE' }, { stores: {} as never, onStop: (_, stop) => t.after(async () => stop()) })
  return { writer: await open(), reader: await open() }
})
