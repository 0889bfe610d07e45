/** One kind of telemetry that the console takes by OTLP, on whatever wire it comes. */
export interface Signal {
  /** Where OTLP over HTTP has it. */
  readonly httpPath: string
  /** The method of OTLP over gRPC. */
  readonly grpcPath: string
  /** The name that OTLP's JSON has for what was not taken. */
  readonly rejectedName: 'rejectedSpans' | 'rejectedLogRecords'
  take(sent: Sent): Taken | Refusal
}

/** What somebody sent, unpacked. */
export interface Sent {
  readonly encoding: 'json' | 'protobuf'
  readonly body: Buffer
}

/** It will be stored, but for what was not fit for it. */
export interface Taken {
  readonly kind: 'taken'
  readonly rejected: number
  /** Why, of the first of them; empty when all was taken. */
  readonly why: string
}

/**
 * Nothing of it was taken, and why.
 * - `malformed`: it is not what it says, and never will be.
 * - `too-large`: smaller batches would be taken.
 * - `busy`: the same is taken later.
 */
export interface Refusal {
  readonly kind: 'malformed' | 'too-large' | 'busy'
  readonly why: string
}

/** Bytes of a request, as sent and unpacked. */
export const BODY_BYTES_MAX = 8 << 20

/** How long a sender that was told `busy` should wait. */
export const RETRY_AFTER_SECONDS = 1

export const TOO_LARGE: Refusal = { kind: 'too-large', why: `The body unpacks to more than ${BODY_BYTES_MAX} bytes. Send smaller batches.` }
export const BUSY: Refusal = { kind: 'busy', why: 'The console stores as fast as it can. Send again later.' }
