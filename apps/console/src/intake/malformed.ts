import { ProtobufError } from '../otlp/protobuf-reader.ts'
import type { Refusal } from './signal.ts'

/** What somebody sent cannot be read, and they are told why; what is wrong with us is thrown. */
export function orMalformed<T>(what: string, read: () => T | Refusal): T | Refusal {
  try {
    return read()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof ProtobufError || error instanceof RangeError)
      return { kind: 'malformed', why: `${what}: ${error.message}` }
    throw error
  }
}
