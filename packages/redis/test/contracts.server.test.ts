import { openRedisReadStore } from '@seaworthy/redis'
import { readStoreContract } from '@seaworthy/testing'
import { freshPrefix, redisUrl } from './server.ts'

readStoreContract('Redis', async () => {
  const store = await openRedisReadStore({ url: await redisUrl(), prefix: freshPrefix() })
  return { store, dispose: () => store.close() }
})
