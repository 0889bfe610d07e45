import { TextTable } from './text-table.ts'

const texts = new TextTable()

/** The message does not follow protobuf's wire format. */
export class ProtobufError extends Error {}

/** Reads protobuf's wire format (protobuf.dev/programming-guides/encoding) from the front of a buffer to its end. */
export class ProtobufReader {
  readonly #bytes: Buffer
  #at: number
  #end: number
  /** How the value of the last field is encoded: varint 0, 64 bits 1, length-delimited 2, 32 bits 5. */
  wireType = 0

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  /** The number of the next field. Its wire type is {@link wireType} then: an object for each field of a million would cost more than the fields. */
  field(): number {
    const key = this.number()
    if (key < 8 || key > 0xffff_ffff) throw new ProtobufError(`there is no field number ${Math.floor(key / 8)}`)
    this.wireType = key & 7
    return key >>> 3
  }

  /** Unsigned; exact up to 2^53. */
  number(): number {
    // Nearly all are small; bigints are slow.
    const bytes = this.#bytes
    const start = this.#at
    if (start < this.#end && bytes[start]! < 0x80) {
      this.#at = start + 1
      return bytes[start]!
    }
    let value = 0
    for (let index = 0; index < 4 && start + index < this.#end; index++) {
      const byte = bytes[start + index]!
      value |= (byte & 0x7f) << (7 * index)
      if (byte < 0x80) {
        this.#at = start + index + 1
        return value
      }
    }
    return Number(this.varint())
  }

  /** Unsigned, of at most 64 bits. */
  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtobufError('a number is longer than 64 bits')
  }

  /** Signed, of 64 bits. */
  signed(): bigint | number {
    const start = this.#at
    const small = this.number()
    if (small < 2 ** 28) return small
    this.#at = start
    return BigInt.asIntN(64, this.varint())
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  text(): string {
    const length = this.number()
    const start = this.#take(length)
    return texts.read(this.#bytes, start, start + length)
  }

  hex(): string {
    return this.#encoded('hex')
  }

  base64(): string {
    return this.#encoded('base64')
  }

  /** Goes into the message that the last field is: until {@link leave} its fields are what there is. @returns what is given back to `leave` */
  enter(): number {
    const length = this.number()
    const outerEnd = this.#end
    this.#end = this.#take(length) + length
    this.#at = this.#end - length
    return outerEnd
  }

  /** Out of a message that was read to its end. */
  leave(outerEnd: number): void {
    this.#end = outerEnd
  }

  /** Passes over the last field, which nobody here knows: a newer sender's. */
  skip(): void {
    switch (this.wireType) {
      case 0:
        this.number()
        break
      case 1:
        this.#take(8)
        break
      case 2:
        this.#take(this.number())
        break
      case 5:
        this.#take(4)
        break
      default:
        throw new ProtobufError(`wire type ${this.wireType} is not in use`)
    }
  }

  #encoded(encoding: 'hex' | 'base64'): string {
    const length = this.number()
    const start = this.#take(length)
    return this.#bytes.toString(encoding, start, start + length)
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!
  }

  #take(length: number): number {
    const start = this.#at
    if (length > this.#end - start) throw new ProtobufError('the message ends before its content does')
    this.#at = start + length
    return start
  }
}
