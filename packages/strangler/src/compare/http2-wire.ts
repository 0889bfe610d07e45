import { type ClientHttp2Session, connect } from 'node:http2'
import type { SafeRequest } from './safe-request.ts'
import { hostFor, secureOptions, type SideAddress } from './side-address.ts'
import { headerLines, KeptBody, type Wire, type WireAnswer } from './wire.ts'

const IDLE_MS = 4_000

// Of HTTP/1.1's connections (RFC 9113, section 8.2.2); the rest of those is not mirrored at all.
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set(['http2-settings'])

/** A side that speaks HTTP/2, over TLS or not: one connection, which is opened when it is needed, and again after its end. */
export function http2Wire(address: SideAddress, { bodyBytesMax }: { readonly bodyBytesMax: number }): Wire {
  let session: ClientHttp2Session | undefined
  const open = (): ClientHttp2Session => {
    const opened = connect(address.url, { ...secureOptions(address), settings: { enablePush: false } })
    const leave = () => {
      if (session === opened) session = undefined
    }
    // Its requests hear of it themselves.
    opened.on('error', leave).on('goaway', leave).on('close', leave)
    opened.setTimeout(IDLE_MS, () => {
      leave()
      opened.close()
    })
    return opened
  }
  return {
    send(request, signal) {
      if (session === undefined || session.closed || session.destroyed) session = open()
      return ask(session, fieldsOf(address, request), { bodyBytesMax, signal })
    },
    [Symbol.dispose]: () => session?.destroy(),
  }
}

function fieldsOf(address: SideAddress, { method, target, headers, host }: SafeRequest): string[] {
  const scheme = address.url.protocol.slice(0, -1)
  const fields = [':method', method, ':scheme', scheme, ':authority', hostFor(address, host), ':path', target]
  for (const [name, value] of headers) if (!CONNECTION_SPECIFIC.has(name.toLowerCase())) fields.push(name.toLowerCase(), value)
  return fields
}

function ask(
  session: ClientHttp2Session,
  fields: readonly string[],
  { bodyBytesMax, signal }: { readonly bodyBytesMax: number; readonly signal: AbortSignal },
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const body = new KeptBody(bodyBytesMax)
    const isHead = fields[1] === 'HEAD'
    let head: { readonly status: number; readonly raw: readonly string[] } | undefined
    let failure: Error | undefined
    session
      .request(fields, { endStream: true, signal })
      .on('response', (headers, _flags, raw) => (head = { status: headers[':status'] ?? 0, raw }))
      .on('data', (chunk: Buffer) => body.add(chunk))
      .on('error', (error: Error) => (failure = error))
      .on('close', function (this: { readonly rstCode: number }) {
        if (failure !== undefined) reject(failure)
        else if (head === undefined || this.rstCode !== 0) reject(new Error(`it reset the stream (${this.rstCode})`))
        else {
          const headers = headerLines(head.raw).filter(([name]) => !name.startsWith(':'))
          const stated = headers.find(([name]) => name === 'content-length')?.[1]
          // A reset without an error looks like an end.
          if (!isHead && head.status !== 304 && stated !== undefined && Number(stated) !== body.bytes) reject(new Error('it broke off'))
          else resolve({ status: head.status, headers, body: body.value })
        }
      })
  })
}
