import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { type RedisServer, startRedis } from '../../../test/servers/redis.ts'

let started: Promise<RedisServer> | undefined

// At the top of the file that imports this, and so after its last test.
after(async () => {
  await (await started)?.stop()
})

/** Of a Redis that several tests share. */
export async function redisUrl(): Promise<string> {
  const running = process.env['SEAWORTHY_REDIS_URL']
  if (running !== undefined) return running
  started ??= startRedis()
  return (await started).url
}

/** A prefix that no other test has. */
export function freshPrefix(): string {
  return `test-${randomUUID()}:`
}
