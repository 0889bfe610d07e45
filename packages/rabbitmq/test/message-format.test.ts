import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AsyncMessage, Envelope } from 'rabbitmq-client'
import { type StoredMessage, envelopeOf, readMessage } from '../src/message-format.ts'

const stored: StoredMessage = {
  id: 'm',
  json: Buffer.from('{"to":"ada"}'),
  context: { correlationId: 'c', traceparent: 't', baggage: 'a=b' },
}
const SENT_MS = 1_795_787_722_224

/** The envelope as the broker hands it out, with what it adds. */
const arrived = (envelope: Envelope, more: Partial<AsyncMessage> & { headers?: Record<string, unknown> } = {}) =>
  ({ ...envelope, body: stored.json, redelivered: false, ...more, headers: { ...envelope.headers, ...more.headers } }) as AsyncMessage

const readyAtMs = (message: AsyncMessage) => {
  const read = readMessage(message)
  assert.equal(read.kind, 'readable')
  return read.kind === 'readable' ? read.readyAtMs : undefined
}

suite('a message in RabbitMQ', () => {
  test('comes back as it was sent, and says to the millisecond from when it could be had', () => {
    const message = arrived(envelopeOf(stored, { nowMs: SENT_MS }))
    assert.equal(message.timestamp, 1_795_787_722, 'AMQP knows whole seconds')
    assert.deepEqual(readMessage(message), { kind: 'readable', stored, body: { to: 'ada' }, attempt: 1, readyAtMs: SENT_MS })
  })

  test('could not be had before its delay was over', () => {
    assert.equal(readyAtMs(arrived(envelopeOf(stored, { nowMs: SENT_MS, delayMs: 700 }))), SENT_MS + 700)
    const again = arrived(envelopeOf(stored, { nowMs: SENT_MS, delayMs: 700, attempts: 2 }))
    assert.equal(readyAtMs(again), SENT_MS + 700, 'published anew, it is known again')
    assert.equal(readMessage(again).attempt, 3)
  })

  test('that was handed out before and came back says nothing: nobody knows when it did', () => {
    const envelope = envelopeOf(stored, { nowMs: SENT_MS })
    assert.equal(readyAtMs(arrived(envelope, { redelivered: true })), undefined)
    assert.equal(readyAtMs(arrived(envelope, { headers: { 'x-delivery-count': 1 } })), undefined, 'RabbitMQ 3')
    assert.equal(readyAtMs(arrived(envelope, { headers: { 'x-acquired-count': 1n } })), undefined, 'RabbitMQ 4')
  })

  test("of another program has the broker's stamp, or the end of the publisher's second", () => {
    const foreign = (envelope: Envelope) => arrived({ messageId: 'f', ...envelope })
    const stamped = { headers: { timestamp_in_ms: BigInt(SENT_MS) }, timestamp: 1_795_787_722 }
    assert.equal(readyAtMs(foreign(stamped)), SENT_MS)
    assert.equal(readyAtMs(foreign({ timestamp: 1_795_787_722 })), 1_795_787_723_000)
    assert.equal(readyAtMs(foreign({})), undefined)
  })
})
