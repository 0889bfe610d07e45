import { test } from 'node:test'
import { runExamples } from '../../../test/servers/run-examples.ts'
import { freshPrefix, redisUrl } from './server.ts'

test('the example of docs/4-data/redis.md does what it says', async () => {
  await runExamples('docs/4-data/redis.md', { REDIS_URL: await redisUrl(), REDIS_PREFIX: freshPrefix() })
})
