/** The little of DER (ITU-T X.690) that a certificate is written in. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

export function tagged(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

export const sequence = (...contents: readonly Buffer[]): Buffer => tagged(TAG.sequence, ...contents)
export const set = (...contents: readonly Buffer[]): Buffer => tagged(TAG.set, ...contents)
export const utf8 = (text: string): Buffer => tagged(TAG.utf8, Buffer.from(text))
export const octets = (content: Buffer): Buffer => tagged(TAG.octets, content)
export const yes: Buffer = tagged(TAG.boolean, Buffer.of(0xff))
/** A positive number of at most 16 bytes, its first bit not set. */
export const integer = (bytes: Buffer): Buffer => tagged(TAG.integer, bytes)
export const bits = (content: Buffer): Buffer => tagged(TAG.bits, Buffer.of(0), content)
/** With a year of four digits. */
export const time = (at: Date): Buffer => tagged(TAG.time, Buffer.from(`${at.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`))

/** @param dotted `2.5.29.17` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const arcs = rest.flatMap((arc) => {
    const digits = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return tagged(TAG.oid, Buffer.from([first * 40 + second, ...arcs]))
}
