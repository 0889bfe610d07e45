/** Protobuf's wire format (protobuf.dev/programming-guides/encoding), as far as a sender of OTLP needs it. A message is the fields that it consists of, one after the other. */

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/** A field with a whole number, exact to 2^53 on both sides of zero. */
export function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8 + VARINT), varint(value)])
}

/** A field with bytes, or with a message. */
export function bytesField(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([varint(field * 8 + LENGTH), varint(length), ...parts])
}

export function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text, 'utf8'))
}

export function doubleField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8 + FIXED64), double(value)])
}

/** A field with an unsigned number of 64 bits, which may be given as digits. */
export function fixed64Field(field: number, value: number | string): Buffer {
  return Buffer.concat([varint(field * 8 + FIXED64), fixed64(value)])
}

/** What a packed list of doubles consists of. */
export function double(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleLE(value)
  return bytes
}

export function fixed64(value: number | string): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn)
    if (rest < 128n) return Buffer.from([...bytes, low])
    bytes.push(low | 0x80)
  }
}

/** A field that was read: a number, or the bytes of a text or message. */
export interface ReadField {
  readonly field: number
  readonly value: number | Uint8Array
}

/** The fields of a message that are numbers, texts or messages, in their order; others are passed over. @throws RangeError for bytes that are no message */
export function* fieldsOf(bytes: Uint8Array): Generator<ReadField> {
  let at = 0
  const number = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      // Ten bytes hold 64 bits.
      if (byte === undefined || factor > 128 ** 9) throw new RangeError('The bytes are no protobuf message.')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new RangeError('The protobuf message ends before its content does.')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const key = number()
    const field = Math.floor(key / 8)
    switch (key % 8) {
      case VARINT:
        yield { field, value: number() }
        break
      case FIXED64:
        take(8)
        break
      case LENGTH:
        yield { field, value: take(number()) }
        break
      case FIXED32:
        take(4)
        break
      default:
        throw new RangeError(`There is no wire type ${key % 8} in protobuf.`)
    }
  }
}
