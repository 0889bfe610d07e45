import { after } from 'node:test'
import { type RedisServer, startRedis } from '../../../../test/servers/redis.ts'
import { openReadModelStore } from '../../../platform/read-model-store.ts'
import { historySuite } from './history-suite.ts'

const servers: RedisServer[] = []
after(async () => {
  for (const server of servers) await server.stop()
})

// The service takes all of a Redis, without a prefix of the test's own: so each test has one.
historySuite('Redis', async (t) => {
  const server = await startRedis()
  servers.push(server)
  const open = () =>
    openReadModelStore(
      { url: server.url, variable: 'SHOP_HISTORY_STORE' },
      { stores: {} as never, onStop: (_, stop) => t.after(async () => stop()) },
    )
  return { writer: await open(), reader: await open() }
})
