import { startPostgres } from '@seaworthy/testing/postgres-server'
import { installElasticMq, startElasticMq } from './elasticmq.ts'
import { installKafka, startKafka } from './kafka.ts'
import { installRabbitMq, startRabbitMq } from './rabbitmq.ts'
import { installRedis, startRedis } from './redis.ts'

/** A server that npm cannot bring, for tests (`*.server.test.ts`) and for people (`scripts/servers.ts`). */
export interface ServerKind {
  readonly name: string
  /** The environment variable that names a running one. Where it is set, tests start none of their own. */
  readonly variable: string
  /** Brings onto this machine what it needs. @throws Error that says what to install by hand */
  readonly install: () => Promise<void>
  /** Starts an empty one on loopback, which ends with this process. */
  readonly start: () => Promise<{ readonly url: string; readonly stop: () => Promise<void> }>
}

export const serverKinds: readonly ServerKind[] = [
  { name: 'postgres', variable: 'SEAWORTHY_POSTGRES_URL', install: async () => undefined, start: startDurablePostgres },
  { name: 'kafka', variable: 'SEAWORTHY_KAFKA_URL', install: installKafka, start: startKafka },
  { name: 'rabbitmq', variable: 'SEAWORTHY_RABBITMQ_URL', install: installRabbitMq, start: startRabbitMq },
  { name: 'elasticmq', variable: 'SEAWORTHY_SQS_URL', install: installElasticMq, start: startElasticMq },
  { name: 'redis', variable: 'SEAWORTHY_REDIS_URL', install: installRedis, start: startRedis },
]

/** npm brings it. A person who keeps it for a while wants what it acknowledged to be on the disk. */
async function startDurablePostgres(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const { url, stop } = await startPostgres({ fsync: true })
  return { url: url('postgres'), stop }
}
