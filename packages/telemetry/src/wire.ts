import { X509Certificate } from 'node:crypto'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { ROOT_CONTEXT, context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { ConfigurationError } from 'seaworthy/core'
import type { SendResult, Transport } from './export-queue.ts'

export type Compression = 'gzip' | 'none'

/** Texts in PEM. */
export interface Certificates {
  /** Whom to trust. Default: the authorities that Node trusts. */
  readonly ca?: string
  /** Who this process is, for a collector that asks for it; with its key. */
  readonly cert?: string
  readonly key?: string
}

/** How one place is spoken to, whatever carries it. */
export interface WireOptions {
  /** Go with each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A request that has no answer after this long counts as not arrived. Default 5,000 ms. */
  readonly timeoutMs?: number | undefined
  /** Default `none`: between neighbours it costs more than it saves. */
  readonly compression?: Compression | undefined
  /** Of use with `https:` alone. */
  readonly certificates?: Certificates | undefined
}

export const TIMEOUT_MS = 5_000
/** Of an answer, so much is read; the rest is passed over. */
export const ANSWER_BYTES_MAX = 65_536

/** An instrumentation of Node's modules would make spans of the requests that carry spans, for ever. */
const UNTRACED = suppressTracing(ROOT_CONTEXT)

const zipped = promisify(gzip)

/** On a thread of Node's pool. The fastest level: what it leaves is a tenth larger, for a third of the work. */
async function compressed(body: Uint8Array, compression: Compression | undefined): Promise<Uint8Array> {
  return compression === 'gzip' ? zipped(body, { level: constants.Z_BEST_SPEED }) : body
}

export interface DeliveryOptions<Item> extends Pick<WireOptions, 'compression'> {
  /** Loads what `encode` needs. */
  readonly load?: (() => Promise<unknown>) | undefined
  readonly encode: (items: readonly Item[]) => Promise<Uint8Array>
  /** Carries what was encoded, and compressed. */
  readonly deliver: (body: Uint8Array, signal: AbortSignal) => Promise<SendResult>
  readonly close: () => void
}

/** A transport that encodes items, compresses them, and has them delivered. */
export function delivering<Item>({ load, encode, compression, deliver, close }: DeliveryOptions<Item>): Transport<Item> {
  return {
    async prepare() {
      // What cannot be loaded is said of the request that needs it.
      await load?.().catch(() => undefined)
    },
    async send(items, signal) {
      try {
        const body = await compressed(await encode(items), compression)
        return await context.with(UNTRACED, () => deliver(body, signal))
      } catch (error) {
        return { kind: 'refused', why: `They could not be encoded: ${reason(error)}` }
      }
    },
    close,
  }
}

/** Before anything is sent. @throws ConfigurationError when the certificates are none, or the key is not theirs; for a header that cannot be sent */
export function checkWire(url: URL, { headers = {}, certificates }: WireOptions): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      // Without its value: that is usually a key.
      throw new ConfigurationError(
        `The header "${name}" for ${url.origin} cannot be sent: its name or its value has letters that HTTP does not take.`,
      )
    }
  }
  if (certificates === undefined || url.protocol !== 'https:') return
  try {
    // Node takes any text for an authority, and trusts nobody then.
    if (certificates.ca !== undefined) void new X509Certificate(certificates.ca)
    createSecureContext(certificates)
  } catch (cause) {
    throw new ConfigurationError(
      `The certificates or the key for ${url.origin} cannot be used. They are texts in PEM, and the key is of the certificate.`,
      {
        cause,
      },
    )
  }
}

/** Why a request did not arrive: the system's code, where there is one. */
export function reason(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown }
  // A stream of HTTP/2 that never was says why by its cause alone.
  if (cause instanceof Error) return reason(cause)
  return error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error)
}
