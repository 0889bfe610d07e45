import { RETRY_AFTER_SECONDS } from '../intake/signal.ts'
import { bytesField, varintField } from '../otlp/protobuf-writer.ts'

/**
 * A `google.rpc.Status` with a `google.rpc.RetryInfo`: OTLP has it tell a sender when to try again
 * (opentelemetry.io/docs/specs/otlp, "OTLP/gRPC Throttling"). Field numbers of google/rpc/status.proto and error_details.proto.
 */
export function retryInfo(code: number, message: string): Buffer {
  const delay = bytesField(1, varintField(1, RETRY_AFTER_SECONDS))
  const any = Buffer.concat([bytesField(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), bytesField(2, delay)])
  return Buffer.concat([varintField(1, code), bytesField(2, Buffer.from(message, 'utf8')), bytesField(3, any)])
}
