import type { OutlinePart } from '../../../src/otlp/outline.ts'
import { OutlineReader } from '../../../src/otlp/read-outline.ts'
import type { Trace } from '../../../src/otlp/read-trace.ts'
import { ApiError, answerOf, request } from './api.ts'
import { turn } from './turns.ts'

export interface Outline {
  /** Undefined for a trace that was deleted while it was read. */
  readonly trace: Trace | undefined
  /** As they came: for whoever reads them on another thread. */
  readonly lines: readonly string[]
  /** Asked for with it, the same is not sent again. */
  readonly version: string | undefined
}

interface OutlineRequest {
  /** That is there already. */
  readonly version: string | undefined
  readonly signal: AbortSignal
  /** Called with what the first part holds, while others are under way. They are not looked at before it is done. */
  readonly begun: (trace: Trace) => Promise<void>
}

/** The outline of a trace, read while it comes; undefined where it is of `version` still. @throws ApiError */
export async function fetchOutline(traceId: string, { version, signal, begun }: OutlineRequest): Promise<Outline | undefined> {
  const headers = version === undefined ? undefined : { 'if-none-match': version }
  const response = await request(outlinePath(traceId), { ...(headers !== undefined && { headers }) }, signal)
  if (response.status === 304) return undefined
  if (!response.ok || response.body === null) return answerOf(response)
  const reader = new OutlineReader()
  const lines: string[] = []
  try {
    for await (const line of linesOf(response.body)) {
      lines.push(line)
      reader.add(JSON.parse(line) as OutlinePart)
      await (lines.length === 1 ? begun(reader.trace()!) : turn())
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new ApiError(`The trace broke off while it was sent: ${error instanceof Error ? error.message : String(error)}`, response.status)
  }
  return { trace: reader.trace(), lines, version: response.headers.get('etag') ?? undefined }
}

function outlinePath(traceId: string): string {
  return `/api/traces/${traceId}/outline`
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let begun: string[] = []
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const [first = '', ...others] = read.value.split('\n')
    begun.push(first)
    for (const other of others) {
      yield begun.join('')
      begun = [other]
    }
  }
  if (begun.some((text) => text !== '')) throw new SyntaxError('its last line has no end')
}
