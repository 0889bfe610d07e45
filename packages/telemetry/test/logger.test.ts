import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { type TestContext, test } from 'node:test'
import { SeaworthyError, observed, rootContext, traceHeaders, withContext } from 'seaworthy/core'
import { createLogger, startTelemetry } from '../src/index.ts'

const work = observed('test.logger')

function lines(): { destination: { write: (line: string) => void }; read: () => Record<string, unknown>[] } {
  const written: string[] = []
  return {
    destination: { write: (line) => void written.push(line) },
    read: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

function started(t: TestContext): { logger: ReturnType<typeof createLogger>; read: () => Record<string, unknown>[] } {
  const { destination, read } = lines()
  const telemetry = startTelemetry({ service: 'orders', instance: 'orders-1', logLevel: 'debug', logDestination: destination })
  t.after(() => telemetry.shutdown())
  return { logger: telemetry.logger, read }
}

test('a line has level, time, service, instance, correlation id, trace and span id', async (t) => {
  const { logger, read } = started(t)
  const context = rootContext({ correlationId: 'c-1' })
  let traceparent: string | undefined
  await withContext(context, () =>
    work.run(
      () => ({ name: 'work', kind: 'server', attributes: {} }),
      async () => {
        traceparent = traceHeaders(context).traceparent
        logger.info({ orderId: 'o-1' }, 'order placed')
      },
    ),
  )
  const [line] = read()
  const [, traceId, spanId] = traceparent!.split('-')
  const { time, ...fields } = line!
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(fields, {
    level: 'info',
    service: 'orders',
    instance: 'orders-1',
    correlationId: 'c-1',
    traceId,
    spanId,
    orderId: 'o-1',
    msg: 'order placed',
  })
})

test('a logger works without tracing and without a context', () => {
  const { destination, read } = lines()
  createLogger({ service: 'orders', instance: 'orders-1', destination }).warn('hello')
  const { time: _time, ...fields } = read()[0]!
  assert.deepEqual(fields, { level: 'warn', service: 'orders', instance: 'orders-1', msg: 'hello' })
})

test('secrets are replaced by name at any depth, in children, in errors and in text', () => {
  const { destination, read } = lines()
  const logger = createLogger({ service: 'orders', instance: 'orders-1', destination })
  const cause = Object.assign(new Error('login at amqp://guest:s3cret-1@broker failed'), { apiKey: 's3cret-2' })
  const error = new SeaworthyError('unavailable', 'sent Authorization: Bearer s3cret-token-3', { executed: 'no', cause })
  logger.child({ sessionToken: 's3cret-4' }).error(
    {
      err: error,
      request: { headers: { authorization: 's3cret-5', cookie: 's3cret-6', accept: 'json' }, body: [{ card: { number: 's3cret-7' } }] },
      password: 's3cret-8',
    },
    'pay with %s at /x?access_token=s3cret-9',
    '4111 1111 1111 1111',
  )
  const [line] = read()
  assert.doesNotMatch(JSON.stringify(line), /s3cret|4111/)
  assert.deepEqual(line!['request'], {
    headers: { authorization: '[redacted]', cookie: '[redacted]', accept: 'json' },
    body: [{ card: '[redacted]' }],
  })
  const { err } = line as { err: { type: string; code: string; executed: string; cause: { message: string } } }
  assert.equal(err.type, 'SeaworthyError')
  assert.equal(err.code, 'unavailable')
  assert.equal(err.executed, 'no')
  assert.equal(err.cause.message, 'login at amqp://guest:[redacted]@broker failed')
})

test('a secret is found in what is no plain object, in what goes round, in lists of names and values, and however deep', () => {
  const { destination, read } = lines()
  const logger = createLogger({ service: 'orders', instance: 'orders-1', destination })
  class Connection {
    host = 'db'
    password = 's3cret-1'
  }
  const round: Record<string, unknown> = { apiKey: 's3cret-2' }
  round['self'] = round
  let deep: object = { token: 's3cret-3' }
  for (let level = 0; level < 30; level++) deep = { deep }
  const wide = Array.from({ length: 3_000 }, () => ({ x: {} }))
  logger.info({
    connection: new Connection(),
    document: { toJSON: () => ({ cookie: 's3cret-4', at: new Date(0) }) },
    round,
    deep,
    rawHeaders: ['Host', 'shop', 'Authorization', 's3cret-5'],
    args: ['--client-secret', 's3cret-6', '--port', '80'],
    when: new Date(0),
    last: { wide, password: 's3cret-7' },
  })
  const [line] = read()
  assert.doesNotMatch(JSON.stringify(line), /s3cret/)
  assert.deepEqual(line!['connection'], { host: 'db', password: '[redacted]' })
  assert.deepEqual(line!['document'], { cookie: '[redacted]', at: '1970-01-01T00:00:00.000Z' })
  assert.deepEqual(line!['round'], { apiKey: '[redacted]', self: '[circular]' })
  assert.deepEqual(line!['rawHeaders'], ['Host', 'shop', 'Authorization', '[redacted]'])
  assert.deepEqual(line!['args'], ['--client-secret', '[redacted]', '--port', '80'])
  assert.equal(line!['when'], '1970-01-01T00:00:00.000Z')
})

test('a card number that is logged as a number is replaced too, and the line is JSON all the same', () => {
  const { destination, read } = lines()
  const logger = createLogger({ service: 'orders', instance: 'orders-1', destination })
  logger.info(
    { pan: 4_111_111_111_111_111, of: [4_012_888_888_881_881, 5], text: 'a ":4111111111111111, b' },
    'paid by 4111 1111 1111 1111',
  )
  assert.partialDeepStrictEqual(read()[0], {
    pan: '[redacted]',
    of: ['[redacted]', 5],
    text: 'a ":[redacted], b',
    msg: 'paid by [redacted]',
  })
  // One in ten passes the check of a card's number.
  for (let ms = 1_795_438_250_500; ms < 1_795_438_250_520; ms++) logger.info({ ms, us: ms * 1_000 })
  assert.deepEqual(
    read()
      .slice(1)
      .map(({ ms }) => ms),
    Array.from({ length: 20 }, (_, index) => 1_795_438_250_500 + index),
  )
})

test('ids, times and amounts are not taken for card numbers', () => {
  const { destination, read } = lines()
  const fields = { epochMs: 1_795_438_250_508, id: '01a20875-8a09-751c-9df6-e18876b88142', nano: '1795438250508502441' }
  createLogger({ service: 'a', instance: 'a-1', destination }).info(fields, 'order 12345678 for 1999 cents')
  const line = read()[0]!
  assert.equal(line['epochMs'], fields.epochMs)
  assert.equal(line['id'], fields.id)
  assert.equal(line['nano'], fields.nano)
})

test('what was logged is not changed for whoever owns it', () => {
  const { destination } = lines()
  const request = { headers: { cookie: 'mine' } }
  createLogger({ service: 'a', instance: 'a-1', destination }).info({ request })
  assert.equal(request.headers.cookie, 'mine')
})

test('an open circuit, a skipped number, a dead letter and a relay that is held up are logged at their levels, without the data of events', (t) => {
  const { read } = started(t)
  channel('seaworthy:resilience').publish({ type: 'circuit-opened', policy: 'stock', why: 'failure rate', openMs: 5_000 })
  channel('seaworthy:resilience').publish({ type: 'retry-scheduled', policy: 'stock', attempt: 1, delayMs: 5, error: new Error('boom') })
  channel('seaworthy:inbox.gap').publish({ consumer: 'mail', topic: 'orders', key: 'o-1', messageId: 'm-1', expected: 2, received: 3 })
  channel('seaworthy:consumer.dead-letter').publish({
    consumer: 'mail',
    topic: 'orders',
    attempts: 5,
    reason: 'Error: no',
    kind: 'parked',
    event: { id: 'm-1', type: 'order.placed', key: 'o-1', correlationId: 'c-1', data: { name: 'private' } },
  })
  channel('seaworthy:relay.held-up').publish({ topic: 'orders', error: new Error('locked') })
  channel('seaworthy:relay.recovered').publish({ topic: 'orders', failures: 3, heldUpMs: 300 })
  const found = read()
  assert.deepEqual(
    found.map(({ level }) => level),
    ['warn', 'debug', 'error', 'error', 'warn', 'info'],
  )
  assert.equal(found[5]!['heldUpMs'], 300)
  assert.equal(found[0]!['policy'], 'stock')
  assert.equal((found[1]!['err'] as { message: string }).message, 'boom')
  assert.equal(found[3]!['correlationId'], 'c-1')
  assert.doesNotMatch(JSON.stringify(found), /private/)
})
