import { createHash, randomBytes } from 'node:crypto'
import { fieldValues } from './field-values.ts'

/**
 * The opening handshake of a WebSocket (RFC 6455, section 4). HTTP/2 has no Upgrade, and opens it by an extended CONNECT (RFC 8441), without the key and its
 * proof: where only one side of the proxy speaks HTTP/2, the proxy is what shows the key or proves it.
 */
export const WEBSOCKET = 'websocket'
export const KEY_FIELD = 'sec-websocket-key'
export const ACCEPT_FIELD = 'sec-websocket-accept'

// Of RFC 6455, section 1.3: what the proof is made with.
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export const newWebSocketKey = (): string => randomBytes(16).toString('base64')

/** The proof that the key among these lines of a request was read by who speaks WebSocket; undefined where there is no single key. */
export function acceptFor(requestLines: string): string | undefined {
  const [key, ...others] = fieldValues(requestLines, KEY_FIELD)
  return key === undefined || others.length > 0 ? undefined : createHash('sha1').update(`${key}${GUID}`).digest('base64')
}

/** Whether an answer's lines prove it. */
export function isAccepted(answerLines: string, requestLines: string): boolean {
  const values = fieldValues(answerLines, ACCEPT_FIELD)
  return values.length === 1 && values[0] === acceptFor(requestLines)
}
