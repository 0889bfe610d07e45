import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import { constant, sleep, systemClock } from 'seaworthy/core'
import { startConsumer } from 'seaworthy/messaging'
import { inMemoryConsumerStore } from '@seaworthy/testing'
import { kafkaClassPath } from '../../../test/servers/kafka.ts'
import { after, drained, published } from './events.ts'
import { logForTest } from './server.ts'

const QUIET = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'

void suite('records that others write, and others read', () => {
  test('what is no event is handed on as it lies, goes to the dead letters with its reason, and holds up nobody', async (t) => {
    const { log, url, prefix, dispose } = await logForTest()
    t.after(dispose)
    const other = new Producer({
      clientId: 'other',
      bootstrapBrokers: [url.replace('kafka://', '')],
      serializers: stringSerializers,
    })
    t.after(() => other.close())
    const topic = `${prefix}alpha`
    const attributes = { specversion: '1.0', id: 'x-1', source: '/other', type: 'thing.done', time: '2026-01-01T00:00:00Z' }
    await other.send({
      messages: [
        { topic, partition: 0, key: 'k', value: 'not JSON' },
        { topic, partition: 0, key: 'k', value: '{"some":"thing"}', headers: { trace: 'yes' } },
        { topic, partition: 0, key: 'k', value: JSON.stringify({ ...attributes, data: { fine: true } }) },
        { topic, partition: 0, key: 'k', value: JSON.stringify({ ...attributes, id: '' }) },
      ],
    })
    await log.append('alpha', [published('a', 1)])
    const records = await drained(await log.reader({ topics: ['alpha'], group: 'raw' }))
    const came = records.filter(({ partition, event }) => partition === 0 && event.id !== 'a-1').map(({ event }) => event)
    assert.deepEqual(came.slice(0, 2), [
      { key: 'k', headers: {}, value: 'not JSON' },
      { key: 'k', headers: { trace: 'yes' }, value: { some: 'thing' } },
    ])
    assert.deepEqual(came[2]!.data, { fine: true })
    assert.deepEqual([came.length, came[3]!.id], [4, ''])
    const store = inMemoryConsumerStore()
    const handled: string[] = []
    const consumer = await startConsumer({
      log,
      group: 'history',
      topics: ['alpha'],
      store,
      onPoison: 'park-key',
      backoff: constant(10),
      handler: async ({ id }) => void handled.push(id),
    })
    t.after(() => consumer.stop())
    for (let turn = 0; (handled.length < 2 || consumer.status().setAside < 3) && turn < 3_000; turn++) await sleep(systemClock, 20)
    assert.deepEqual(handled.sort(), ['a-1', 'x-1'])
    const { setAside, state } = consumer.status()
    assert.deepEqual({ setAside, state }, { setAside: 3, state: 'running' })
  })

  test("a key lies in the partition where Kafka's own client puts it, which reads our attributes as headers", async (t) => {
    const { log, url, prefix, dispose } = await logForTest({ partitions: 16, contentMode: 'binary' })
    t.after(dispose)
    const topic = `${prefix}alpha`
    const keys = Array.from({ length: 40 }, (_, index) => `Ærø ${'x'.repeat(index)}`)
    await log.append(
      'alpha',
      keys.map((key) => published(key, 1)),
    )
    const server = ['--bootstrap-server', url.replace('kafka://', '')]
    const classPath = await kafkaClassPath()
    const producer = spawn(
      'java',
      [QUIET, '-cp', classPath, 'org.apache.kafka.tools.ConsoleProducer', ...server, '--topic', topic].concat([
        '--reader-property',
        'parse.key=true',
        '--reader-property',
        'key.separator=|',
      ]),
      { stdio: ['pipe', 'ignore', 'inherit'], env: { ...process.env, LC_ALL: 'C.UTF-8' } },
    )
    producer.stdin.end(keys.map((key) => `${key}|"by Java"\n`).join(''))
    const [status] = (await once(producer, 'exit')) as [number]
    assert.equal(status, 0)
    const records = await drained(await log.reader({ topics: ['alpha'], group: 'g' }))
    const partitionsOf = (byJava: boolean) =>
      new Map(
        records
          .filter(({ event }) => byJava === ((event as { value?: unknown }).value === 'by Java'))
          .map(({ partition, event }) => [event.key, partition]),
      )
    assert.equal(records.length, 2 * keys.length)
    assert.deepEqual(partitionsOf(true), partitionsOf(false))
    const shown = ['--max-messages', String(2 * keys.length), '--property', 'print.headers=true', '--property', 'print.key=true']
    const { stdout } = await promisify(execFile)(
      'java',
      [QUIET, '-cp', classPath, 'org.apache.kafka.tools.consumer.ConsoleConsumer', ...server, '--topic', topic, '--from-beginning'].concat(
        shown,
      ),
    )
    const line = stdout.split('\n').find((candidate) => candidate.includes(`ce_id:${keys[0]}-1`))
    assert.match(line ?? stdout, /content-type:application\/json.*ce_specversion:1\.0.*ce_sequence:0000000000000001.*\{"n":1\}/)
  })

  test('records of an aborted transaction are not read, and those of a committed one are', async (t) => {
    const { log, url, prefix, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    const other = new Producer({
      clientId: 'other',
      bootstrapBrokers: [url.replace('kafka://', '')],
      idempotent: true,
      transactionalId: `${prefix}other`,
      producerId: -1n,
      producerEpoch: -1,
      serializers: stringSerializers,
    })
    t.after(() => other.close())
    const message = (value: string) => ({ topic: `${prefix}alpha`, key: 'k', value })
    for (const [value, commit] of [
      ['first', true],
      ['second', false],
      ['third', true],
    ] as const) {
      const transaction = await other.beginTransaction()
      await transaction.send({ messages: [message(value)] })
      await (commit ? transaction.commit() : transaction.abort())
    }
    const reader = await log.reader({ topics: ['alpha'], group: 'g' })
    const values = (await drained(reader)).map(({ event }) => (event as unknown as { value: string }).value)
    assert.deepEqual(values, ['first', 'third'])
  })

  test('what retention removed before it was read is told of, and reading goes on with what is left', async (t) => {
    const { log, url, prefix, dispose } = await logForTest({ partitions: 1 })
    t.after(dispose)
    await log.append(
      'alpha',
      [1, 2, 3, 4].map((n) => published('a', n)),
    )
    const reader = await log.reader({ topics: ['alpha'], group: 'g' })
    await reader.commit((await reader.poll({ max: 1, waitMs: 60_000 })).map(after))
    await reader.close()
    await removeBefore(url, `${prefix}alpha`, 2)
    const gone: unknown[] = []
    const onGone = (message: unknown) => gone.push(message)
    subscribe('seaworthy:event-log.records-gone', onGone)
    t.after(() => unsubscribe('seaworthy:event-log.records-gone', onGone))
    const again = await log.reader({ topics: ['alpha'], group: 'g' })
    assert.deepEqual(
      (await drained(again)).map(({ event }) => event.sequence),
      [3, 4],
    )
    assert.deepEqual(gone, [{ topic: `${prefix}alpha`, partition: 0, expected: 1, first: 2 }])
    assert.equal(await again.lag(), 2)
  })
})

async function removeBefore(url: string, topic: string, offset: number): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [url.replace('kafka://', '')] })
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: BigInt(offset) }] }] })
  await admin.close()
}
