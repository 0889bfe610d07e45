import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { MalformedMessageError } from '../malformed.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/**
 * Whether a connection begins as one of HTTP/2 whose client knows beforehand that it is taken (RFC 9113, section 3.3). Asked only of what turned out to
 * be no HTTP/1. Over TLS the protocol has been agreed on.
 * @param bytes all that has not been read
 */
export function isHttp2({ breach }: MalformedMessageError, socket: Socket, bytes: Buffer): boolean {
  if (breach !== 'version' || socket.bytesRead !== bytes.length || socket instanceof TLSSocket) return false
  return PREFACE.startsWith(bytes.toString('latin1', 0, PREFACE.length))
}
