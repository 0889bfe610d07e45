import { fieldsOf } from './protobuf.ts'

/** What a collector says of items that it did not take although it took the request. */
export interface PartialSuccess {
  /** How many. With none of them the words are a warning. */
  readonly rejected: number
  readonly why: string
}

const ALL_TAKEN: PartialSuccess = { rejected: 0, why: '' }

/** Of an answer in JSON: each signal has a name of its own for the count. What cannot be read says nothing. */
export function partialSuccessInJson(answer: Uint8Array): PartialSuccess {
  try {
    const { partialSuccess } = JSON.parse(Buffer.from(answer).toString('utf8')) as {
      readonly partialSuccess?: Readonly<Record<string, unknown>>
    }
    const { errorMessage = '', ...counts } = partialSuccess ?? {}
    const rejected = Object.entries(counts).find(([name]) => name.startsWith('rejected'))?.[1]
    return { rejected: Number(rejected ?? 0) || 0, why: String(errorMessage) }
  } catch {
    return ALL_TAKEN
  }
}

/** Of `ExportTraceServiceResponse` and its like, whose fields have the same numbers for every signal. */
export function partialSuccessInProtobuf(answer: Uint8Array): PartialSuccess {
  let [rejected, why] = [0, '']
  try {
    for (const { field, value } of fieldsOf(answer)) {
      if (field !== 1 || typeof value === 'number') continue
      for (const inner of fieldsOf(value)) {
        if (inner.field === 1 && typeof inner.value === 'number') rejected = inner.value
        if (inner.field === 2 && typeof inner.value !== 'number') why = textOf(inner.value)
      }
    }
  } catch {
    return ALL_TAKEN
  }
  return { rejected, why }
}

/** A `google.rpc.Status`: what OTLP has a collector say of a refusal, in a body over HTTP and beside the status over gRPC. */
export interface RpcStatus {
  readonly message: string
  /** From its `RetryInfo`; undefined where it has none. */
  readonly retryAfterMs: number | undefined
}

/** @returns undefined for bytes that are none */
export function rpcStatus(bytes: Uint8Array): RpcStatus | undefined {
  let message = ''
  let retryAfterMs: number | undefined
  try {
    for (const { field, value } of fieldsOf(bytes)) {
      if (typeof value === 'number') continue
      if (field === 2) message = textOf(value)
      if (field === 3) retryAfterMs ??= retryDelayMs(value)
    }
  } catch {
    return undefined
  }
  return { message, retryAfterMs }
}

/** Of a `google.protobuf.Any`, if it holds a `google.rpc.RetryInfo`. */
function retryDelayMs(any: Uint8Array): number | undefined {
  let type = ''
  let content: Uint8Array | undefined
  for (const { field, value } of fieldsOf(any)) {
    if (typeof value === 'number') continue
    if (field === 1) type = textOf(value)
    if (field === 2) content = value
  }
  if (!type.endsWith('/google.rpc.RetryInfo') || content === undefined) return undefined
  for (const { field, value } of fieldsOf(content)) if (field === 1 && typeof value !== 'number') return durationMs(value)
  // Protobuf leaves out what is zero.
  return 0
}

function durationMs(duration: Uint8Array): number {
  let ms = 0
  for (const { field, value } of fieldsOf(duration)) if (typeof value === 'number') ms += field === 1 ? value * 1_000 : value / 1_000_000
  return Math.ceil(ms)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
