import assert from 'node:assert/strict'
import { type TestContext, after, before, suite, test } from 'node:test'
import { Connection } from 'rabbitmq-client'
import { openKafkaEventLog } from '@seaworthy/kafka'
import { eventually } from '@seaworthy/testing'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'
import { startKafka } from '../../../test/servers/kafka.ts'
import { startRabbitMq } from '../../../test/servers/rabbitmq.ts'
import { WITHIN, add, database, started } from './relay-process.ts'

let server: PostgresServer
// After the tests, whose connections are closed by then.
const servers = new AsyncDisposableStack()
before(async () => {
  server = await startPostgres()
  servers.defer(() => server.stop())
})
after(() => servers.disposeAsync())

/** A running broker as the environment names it, or one of this test. */
async function brokerUrl(variable: string, start: () => Promise<{ readonly url: string; stop(): Promise<void> }>): Promise<string> {
  const running = process.env[variable]
  if (running !== undefined) return running
  const own = await start()
  servers.defer(() => own.stop())
  return own.url
}

/** Its topic is the name of its database, so that nobody else has it. */
async function relayTo(t: TestContext, url: string) {
  const under = await database(t, server)
  const topic = `relay-${process.pid}-${new URL(under.url).pathname.slice(1)}`
  const relay = await started(t, ['--database', under.url, '--to', url, '--topics', topic, '--migrate'])
  return { ...relay, topic, add: (key: string, n: number) => add(under.client, key, n, topic) }
}

suite('seaworthy relay to a broker', () => {
  test('on Kafka: what was added arrives in the order of its key', { timeout: 180_000 }, async (t) => {
    const url = await brokerUrl('SEAWORTHY_KAFKA_URL', startKafka)
    const relay = await relayTo(t, url)
    for (let n = 1; n <= 3; n++) await relay.add('customer', n)
    const log = await openKafkaEventLog({ connection: url })
    t.after(() => log.close())
    const reader = await log.reader({ topics: [relay.topic], group: relay.topic })
    const events: unknown[] = []
    await eventually(
      'all arrive',
      async () => {
        const records = await reader.poll({ max: 10, waitMs: 100 })
        events.push(...records.map(({ event: { key, sequence, data } }) => ({ key, sequence, data })))
        return events.length >= 3
      },
      WITHIN,
    )
    assert.deepEqual(
      events,
      [1, 2, 3].map((n) => ({ key: 'customer', sequence: n, data: { n } })),
    )
    relay.child.kill('SIGTERM')
    assert.equal(await relay.exited, 0)
  })

  test(
    'on RabbitMQ: what no queue takes stays in the outbox, and arrives in the order of its key once one is bound',
    { timeout: 180_000 },
    async (t) => {
      const url = await brokerUrl('SEAWORTHY_RABBITMQ_URL', startRabbitMq)
      const relay = await relayTo(t, url)
      const other = new Connection(url)
      // In the reverse order, the connection last.
      const cleanUp = new AsyncDisposableStack()
      t.after(() => cleanUp.disposeAsync())
      cleanUp.defer(() => other.close())
      for (let n = 1; n <= 3; n++) await relay.add('customer', n)
      const heldUp = () => relay.lines.find(({ level, msg }) => level === 'warn' && msg.includes('cannot be published'))
      await eventually('the log says that nobody takes it', () => heldUp() !== undefined, WITHIN)
      assert.match((await relay.ask('/status')).text, /No queue takes an event/)
      assert.match((await relay.ask('/metrics')).text, /seaworthy_outbox_messages 3\n/)
      const queue = `${relay.topic}.all`
      await other.queueDeclare({ queue, durable: true, arguments: { 'x-queue-type': 'quorum' } })
      await other.queueBind({ queue, exchange: relay.topic, routingKey: '#' })
      cleanUp.defer(async () => void (await other.queueDelete({ queue })))
      cleanUp.defer(() => other.exchangeDelete({ exchange: relay.topic }))
      const numbers: number[] = []
      await eventually(
        'all arrive',
        async () => {
          const message = await other.basicGet({ queue, noAck: true })
          if (message !== undefined) numbers.push(Number((JSON.parse(String(message.body)) as { sequence: string }).sequence))
          return new Set(numbers).size >= 3
        },
        WITHIN,
      )
      assert.deepEqual(
        numbers.filter((number, index) => numbers.indexOf(number) === index),
        [1, 2, 3],
      )
      await eventually('all are marked', async () => (await relay.ask('/metrics')).text.includes('seaworthy_outbox_messages 0\n'), WITHIN)
      relay.child.kill('SIGTERM')
      assert.equal(await relay.exited, 0)
    },
  )
})
