import type { AnyValue, KeyValue } from '../../src/otlp/model.ts'
import { bytesField, varintField } from '../../src/otlp/protobuf-writer.ts'
import type { Canary } from './canaries.ts'

const START_NANOS = 1_795_438_250_000_000_000n

/** An ExportTraceServiceRequest with a span for each canary. */
export function traceRequest(planted: readonly Canary[], traceId: string): Buffer {
  return Buffer.concat(
    planted.map(({ name, attributes, event, statusMessage, resource }, index) => {
      const span = Buffer.concat([
        bytesField(1, Buffer.from(traceId, 'hex')),
        bytesField(2, Buffer.from((index + 1).toString(16).padStart(16, '0'), 'hex')),
        text(5, name),
        fixed64(7, START_NANOS),
        fixed64(8, START_NANOS + 1_000_000n),
        keyValues(9, attributes),
        bytesField(11, Buffer.concat([fixed64(1, START_NANOS), text(2, event.name), keyValues(3, event.attributes)])),
        bytesField(15, Buffer.concat([text(2, statusMessage), varintField(3, 2)])),
      ])
      return bytesField(1, Buffer.concat([bytesField(1, keyValues(1, resource)), bytesField(2, bytesField(2, span))]))
    }),
  )
}

/** An ExportLogsServiceRequest with a record for each. */
export function logsRequest(planted: readonly Canary[]): Buffer {
  return Buffer.concat(
    planted.map(({ body, attributes, event, resource }) => {
      const record = Buffer.concat([
        fixed64(1, START_NANOS),
        varintField(2, 9),
        bytesField(5, text(1, body)),
        keyValues(6, [...attributes, ...event.attributes]),
      ])
      return bytesField(1, Buffer.concat([bytesField(1, keyValues(1, resource)), bytesField(2, bytesField(2, record))]))
    }),
  )
}

const text = (field: number, value: string): Buffer => bytesField(field, Buffer.from(value, 'utf8'))

function fixed64(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = field * 8 + 1
  bytes.writeBigUInt64LE(value, 1)
  return bytes
}

function keyValues(field: number, attributes: readonly KeyValue[]): Buffer {
  return Buffer.concat(
    attributes.map(({ key, value }) => bytesField(field, Buffer.concat([text(1, key), bytesField(2, anyValue(value ?? {}))]))),
  )
}

function anyValue({ stringValue, arrayValue, kvlistValue, bytesValue }: AnyValue): Buffer {
  if (bytesValue !== undefined) return bytesField(7, Buffer.from(bytesValue, 'base64'))
  if (arrayValue !== undefined) return bytesField(5, Buffer.concat((arrayValue.values ?? []).map((each) => bytesField(1, anyValue(each)))))
  if (kvlistValue !== undefined) return bytesField(6, keyValues(1, kvlistValue.values ?? []))
  return text(1, stringValue ?? '')
}
