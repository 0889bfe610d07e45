import type { CallContext } from 'seaworthy/core'
import type { Admission } from './admission.ts'
import type { Framing } from './framing.ts'
import type { ResponseHead } from './head.ts'

/** What the head of an answer depends on besides the upstream's. */
export interface Answering {
  readonly requestEnded: boolean
  readonly mayKeepAlive: boolean
}

export interface AnswerHead {
  readonly text: string
  readonly isChunked: boolean
  /** The client's connection ends behind the answer. */
  readonly closes: boolean
}

/** The head of an upstream's answer as the client gets it: framing and connection written anew. */
export function answerHead(
  head: ResponseHead,
  framing: Framing,
  admission: Admission,
  { requestEnded, mayKeepAlive }: Answering,
): AnswerHead {
  const { minorVersion, keepAlive, expectsContinue, context } = admission
  const { fields } = head
  const isStreamed = framing.kind === 'chunked' || framing.kind === 'close'
  const isChunked = isStreamed && minorVersion === 1
  // A client that was not told to continue may or may not send its body now; only a new connection is sure to be in step.
  const isOutOfStep = expectsContinue && !requestEnded
  // HTTP/1.0 knows no other end of a streamed body than that of its connection.
  const closes = !keepAlive || !mayKeepAlive || isOutOfStep || (isStreamed && minorVersion === 0)
  let lines = fields.endToEnd + correlationLine(context)
  const length = head.status === 204 ? undefined : fields.get('content-length')
  if (length !== undefined) lines += `content-length: ${length}\r\n`
  if (isChunked) {
    const trailer = fields.get('trailer')
    if (trailer !== undefined) lines += `trailer: ${trailer}\r\n`
    lines += 'transfer-encoding: chunked\r\n'
  }
  if (closes) lines += 'connection: close\r\n'
  else if (minorVersion === 0) lines += 'connection: keep-alive\r\n'
  return { text: `${statusLine(head)}${lines}\r\n`, isChunked, closes }
}

/** An answer before the answer: 100, 103. */
export const interimHead = (head: ResponseHead): string => `${statusLine(head)}${head.fields.endToEnd}\r\n`

export const switchHead = (head: ResponseHead, context: CallContext): string =>
  `${statusLine(head)}${head.fields.endToEnd}connection: upgrade\r\nupgrade: websocket\r\n${correlationLine(context)}\r\n`

const correlationLine = ({ correlationId }: CallContext): string => `x-correlation-id: ${correlationId}\r\n`

const statusLine = ({ status, reason }: ResponseHead): string => `HTTP/1.1 ${status} ${reason}\r\n`
