import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { UnknownOutcomeError } from 'seaworthy/core'
import { createLogger } from '../src/index.ts'
import { logRecord } from '../src/log-records.ts'

const resource = resourceFromAttributes({ 'service.name': 'orders' })

/** The record of what a logger prints. */
function recordOf(log: (logger: ReturnType<typeof createLogger>) => void) {
  const printed: string[] = []
  log(createLogger({ service: 'orders', instance: 'orders-1', level: 'trace', destination: { write: (text) => void printed.push(text) } }))
  assert.equal(printed.length, 1)
  return logRecord({ text: printed[0]!, traceFlags: 1 }, resource)
}

test('a line becomes a record: message, time, severity and its own fields as attributes, without what the resource says', () => {
  const before = Date.now()
  const { hrTime, hrTimeObserved, ...record } = recordOf((logger) =>
    logger.warn({ orderId: 'o-1', tries: 2, of: { a: [1, null] } }, 'no stock'),
  )
  const ms = hrTime[0] * 1_000 + hrTime[1] / 1_000_000
  assert.ok(ms >= before && ms <= Date.now(), `${ms}`)
  assert.deepEqual(hrTimeObserved, hrTime)
  assert.deepEqual(record, {
    severityNumber: 13,
    severityText: 'WARN',
    body: 'no stock',
    attributes: { orderId: 'o-1', tries: 2, of: { a: [1, null] } },
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: { name: 'seaworthy' },
  })
})

test('every level has the severity number of OpenTelemetry', () => {
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
  assert.deepEqual(
    levels.map((level) => recordOf((logger) => logger[level]('x')).severityNumber),
    [1, 5, 9, 13, 17, 21],
  )
})

test("ids are the record's own, and the correlation id has the name that spans have for it", () => {
  const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
  const record = recordOf((logger) => logger.info({ ...ids, correlationId: 'c-1' }, 'x'))
  assert.deepEqual(record.spanContext, { ...ids, traceFlags: 1 })
  assert.deepEqual(record.attributes, { 'seaworthy.correlation_id': 'c-1' })
})

test('an error has the names of the conventions, and what its class adds beside them', () => {
  const error = new UnknownOutcomeError('no answer from stock', { cause: new Error('socket hang up') })
  const { attributes } = recordOf((logger) => logger.error({ err: error }, 'reserve failed'))
  const { 'exception.stacktrace': stack, err, ...rest } = attributes as Record<string, unknown>
  assert.deepEqual(rest, { 'exception.type': 'UnknownOutcomeError', 'exception.message': 'no answer from stock' })
  assert.match(String(stack), /^UnknownOutcomeError: no answer from stock\n +at /)
  assert.partialDeepStrictEqual(err, { code: 'unknown-outcome', executed: 'maybe', cause: { message: 'socket hang up' } })
})

test('a secret is gone before the record is made', () => {
  const { attributes, body } = recordOf((logger) =>
    logger.info({ password: 'hunter2', headers: { authorization: 'Bearer abcdefgh1234' } }, 'token=abc asked'),
  )
  assert.deepEqual(attributes, { password: '[redacted]', headers: { authorization: '[redacted]' } })
  assert.equal(body, 'token=[redacted] asked')
})

test('what is no JSON is a message', () => {
  assert.partialDeepStrictEqual(logRecord({ text: 'Segmentation fault\n', traceFlags: 0 }, resource), {
    body: 'Segmentation fault',
    attributes: {},
  })
})
