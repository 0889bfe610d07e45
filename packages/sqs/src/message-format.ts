import { createHash } from 'node:crypto'
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs'
import type { Propagated } from 'seaworthy/core'

/**
 * How a message lies in SQS, for programs in any language: the body is JSON. One attribute, `seaworthy`, holds the rest as JSON. A message without it has
 * SQS's own id as its id.
 */
const ATTRIBUTE = 'seaworthy'

interface Particulars {
  readonly id: string
  readonly context: Propagated
  /** How long SQS was to keep it back, which it tells nobody. Absent where the queue's own delay holds. */
  readonly delayMs?: number
  /** Of a dead letter. */
  readonly attempts?: number
  readonly reason?: string
  readonly diedAtMs?: number
}

/** A message as it is sent: its body is written once, and stays as it is on its way. */
export interface StoredMessage {
  readonly id: string
  readonly json: string
  readonly context: Propagated
}

/** A message as it came from SQS. */
export interface ReadMessage {
  readonly stored: StoredMessage
  readonly body: { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'unreadable' }
  readonly attempt: number
  /** What was written when it was set aside by us, rather than by SQS. */
  readonly death: { readonly attempts: number; readonly reason: string; readonly diedAtMs: number } | undefined
  readonly sentAtMs: number
  /**
   * From when it was sent until it was received, in milliseconds, both by SQS's own clock. Undefined for one that was received before: SQS does not say when it could be
   * had again.
   */
  readonly inQueueMs: number | undefined
  /** How long of that SQS kept it back. Undefined where its sender asked for no delay of its own. */
  readonly delayMs: number | undefined
  /** SQS's own id, another one each time that it is sent. */
  readonly messageId: string
  readonly receiptHandle: string
}

export function attributesOf(
  { id, context }: StoredMessage,
  more: Pick<Particulars, 'delayMs' | 'attempts' | 'reason' | 'diedAtMs'> = {},
): Record<string, MessageAttributeValue> {
  const particulars: Particulars = { id, context, ...more }
  return { [ATTRIBUTE]: { DataType: 'String', StringValue: storable(JSON.stringify(particulars)) } }
}

/** As SQS counts: body, and name, type and value of each attribute. */
export function bytesOf(json: string, attributes: Readonly<Record<string, MessageAttributeValue>>): number {
  let bytes = Buffer.byteLength(json)
  for (const [name, { DataType = '', StringValue = '' }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue)
  }
  return bytes
}

/** What {@link readMessage} reads of what SQS itself knows of a message. */
export const SYSTEM_ATTRIBUTES = ['ApproximateReceiveCount', 'SentTimestamp', 'ApproximateFirstReceiveTimestamp'] as const

export function readMessage(message: Message): ReadMessage {
  const { Body: json = '', MessageId: messageId = '', ReceiptHandle: receiptHandle = '', Attributes: system = {} } = message
  const particulars = particularsOf(message.MessageAttributes?.[ATTRIBUTE]?.StringValue)
  const { id = messageId, context = { correlationId: messageId }, delayMs, reason, attempts = 0, diedAtMs = 0 } = particulars
  const attempt = Number(system.ApproximateReceiveCount ?? 1)
  const sentAtMs = Number(system.SentTimestamp ?? 0)
  const receivedAtMs = Number(system.ApproximateFirstReceiveTimestamp ?? 0)
  return {
    stored: { id, json, context },
    body: bodyOf(json),
    attempt,
    death: reason === undefined ? undefined : { attempts, reason, diedAtMs },
    sentAtMs,
    inQueueMs: attempt === 1 && sentAtMs > 0 && receivedAtMs > 0 ? Math.max(0, receivedAtMs - sentAtMs) : undefined,
    delayMs,
    messageId,
    receiptHandle,
  }
}

/** JSON that SQS takes: its messages have no U+FFFE and U+FFFF, which JSON can write otherwise. */
export function storable(json: string): string {
  return json.replaceAll(/[\uFFFE\uFFFF]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
}

/** A name that SQS takes as a group, or to tell repetitions by: 128 characters of a few kinds. What is longer, or of others, is hashed. */
export function shortName(name: string): string {
  return /^[\w!"#$%&'()*+,./:;<=>?@[\\\]^`{|}~-]{1,128}$/.test(name) ? name : createHash('sha256').update(name).digest('hex')
}

function particularsOf(text: string | undefined): Partial<Particulars> {
  if (text === undefined) return {}
  try {
    return JSON.parse(text) as Partial<Particulars>
  } catch {
    return {}
  }
}

function bodyOf(json: string): ReadMessage['body'] {
  try {
    return { kind: 'json', value: JSON.parse(json) as unknown }
  } catch {
    return { kind: 'unreadable' }
  }
}
