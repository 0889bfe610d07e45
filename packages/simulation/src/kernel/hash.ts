/**
 * Hashes that draw latency, faults and durations from a seed and a name. Being functions of the name, and not of how many draws came
 * before, they leave the rest of a history alone when one fault is taken out of it.
 */

/** A hash of a text, 32 bits: FNV-1a (Fowler, Noll, Vo; RFC 9923) over its UTF-16 units, from `basis`. */
export function hashText(text: string, basis = 0x811c9dc5): number {
  let hash = basis
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** A hash of a whole number from `basis`: FNV-1a over its lower and its upper 32 bits. */
export function hashNumber(value: number, basis: number): number {
  const low = Math.imul(basis ^ (value | 0), 0x01000193)
  return Math.imul(low ^ ((value / 4_294_967_296) | 0), 0x01000193) >>> 0
}

/** Spreads 32 bits: the finalizer of MurmurHash3 (Austin Appleby; public domain). */
export function mixed(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** What {@link drawUnitFrom} goes on from: for names that begin alike. */
export function basisOf(seed: number, beginning: string): number {
  return hashText(beginning, mixed(seed ^ 0x9e3779b9))
}

/** A whole number in [0, 2^32) for a seed and a name. */
export function draw(seed: number, name: string): number {
  return mixed(basisOf(seed, name))
}

/** A number in [0, 1) for a seed and a name. */
export function drawUnit(seed: number, name: string): number {
  return draw(seed, name) / 4_294_967_296
}

/** The same for a name in two parts, of which the first is in the basis. */
export function drawUnitFrom(basis: number, rest: string): number {
  return mixed(hashText(rest, basis)) / 4_294_967_296
}

/** A number in [from, to) for a seed and a name. */
export function drawBetween(seed: number, name: string, from: number, to: number): number {
  return from + drawUnit(seed, name) * (to - from)
}
