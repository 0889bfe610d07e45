/** The message does not follow protobuf's wire format. */
export class ProtobufError extends Error {}

/** A field's number and how its value is encoded: varint 0, 64 bits 1, length-delimited 2, 32 bits 5. */
export interface Tag {
  readonly field: number
  readonly wireType: number
}

/** Reads protobuf's wire format (protobuf.dev/programming-guides/encoding) from the front of a buffer to its end. */
export class ProtobufReader {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  tag(): Tag {
    const key = Number(this.varint())
    const field = Math.floor(key / 8)
    if (field < 1 || field > 536_870_911) throw new ProtobufError(`there is no field number ${field}`)
    return { field, wireType: key % 8 }
  }

  /** Unsigned, of at most 64 bits. */
  varint(): bigint {
    // Nearly all are small; bigints are slow.
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt(low)
    }
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtobufError('a number is longer than 64 bits')
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

  bytes(): Buffer {
    const length = Number(this.varint())
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  text(): string {
    return this.bytes().toString('utf8')
  }

  message(): ProtobufReader {
    const length = Number(this.varint())
    const start = this.#take(length)
    return new ProtobufReader(this.#bytes, start, start + length)
  }

  /** Passes over a field that nobody here knows: a newer sender's. */
  skip(wireType: number): void {
    switch (wireType) {
      case 0:
        this.varint()
        break
      case 1:
        this.#take(8)
        break
      case 2:
        this.#take(Number(this.varint()))
        break
      case 5:
        this.#take(4)
        break
      default:
        throw new ProtobufError(`wire type ${wireType} is not in use`)
    }
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
