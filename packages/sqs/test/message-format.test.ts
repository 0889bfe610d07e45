import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Message } from '@aws-sdk/client-sqs'
import { type StoredMessage, attributesOf, readMessage } from '../src/message-format.ts'

const stored: StoredMessage = { id: 'm', json: '{"to":"ada"}', context: { correlationId: 'c', traceparent: 't' } }
const SENT_MS = 1_795_787_722_224

const received = (attributes: Message['MessageAttributes'], system: Record<string, string> = {}): Message => ({
  Body: stored.json,
  MessageId: 'sqs-1',
  ReceiptHandle: 'r',
  MessageAttributes: attributes,
  Attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: String(SENT_MS),
    ApproximateFirstReceiveTimestamp: String(SENT_MS + 850),
    ...system,
  },
})

suite('a message in SQS', () => {
  test("comes back as it was sent, and says how long it lay there by SQS's own clock", () => {
    const { stored: read, attempt, inQueueMs, delayMs, sentAtMs } = readMessage(received(attributesOf(stored)))
    assert.deepEqual(
      { read, attempt, inQueueMs, delayMs, sentAtMs },
      { read: stored, attempt: 1, inQueueMs: 850, delayMs: undefined, sentAtMs: SENT_MS },
    )
  })

  test('carries its delay, which SQS tells nobody', () => {
    assert.equal(readMessage(received(attributesOf(stored, { delayMs: 2_000 }))).delayMs, 2_000)
  })

  test('that was received before says nothing: nobody knows when it could be had again', () => {
    assert.equal(readMessage(received(attributesOf(stored), { ApproximateReceiveCount: '2' })).inQueueMs, undefined)
  })

  test("without SQS's times, or with times that contradict each other, invents none", () => {
    assert.equal(readMessage({ Body: '1', MessageId: 'sqs-1' }).inQueueMs, undefined)
    const before = { ApproximateFirstReceiveTimestamp: String(SENT_MS - 3) }
    assert.equal(readMessage(received(undefined, before)).inQueueMs, 0)
  })
})
