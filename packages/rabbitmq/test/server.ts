import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { type RabbitMqBroker, type RabbitMqBrokerOptions, openRabbitMqBroker } from '@seaworthy/rabbitmq'
import { type RabbitMqServer, startRabbitMq } from '../../../test/servers/rabbitmq.ts'

let started: Promise<RabbitMqServer> | undefined

// At the top of the file that imports this, and so after its last test.
after(async () => {
  await (await started)?.stop()
})

/** Of a RabbitMQ that several tests share. */
export async function brokerUrl(): Promise<string> {
  const running = process.env['SEAWORTHY_RABBITMQ_URL']
  if (running !== undefined) return running
  started ??= startRabbitMq()
  return (await started).url
}

/** A name that no other test has. */
export function freshName(): string {
  return `test-${randomUUID()}`
}

/** The port of a broker, for a proxy in front of it. */
export function portOf(url: string): number {
  return Number(new URL(url).port || 5672)
}

/** What people set, but quick to notice and to come back, as tests are impatient. */
export function openBroker(url: string, options: Omit<RabbitMqBrokerOptions, 'url'> = {}): Promise<RabbitMqBroker> {
  return openRabbitMqBroker({ url, reconnectMaxMs: 200, connectTimeoutMs: 20_000, ...options })
}
