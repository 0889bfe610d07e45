import { getRandomValues } from 'node:crypto'
import { environment } from './environment.ts'

/** A source of randomness. Jitter and ids draw from it, so that a test or a simulation can repeat a run. */
export interface Random {
  /** A number in [0, 1). */
  float(): number
  /** Fills the array with random bytes and returns it. */
  fill(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
}

/** Randomness of this process: `Math.random` for jitter, the operating system's generator for bytes. */
export const systemRandom: Random = {
  float: () => environment()?.random.float() ?? Math.random(),
  fill: (bytes) => environment()?.random.fill(bytes) ?? fromSystem(bytes),
}

// Asking the operating system costs microseconds, whether for one id or for 256.
const POOL_BYTES = 4_096
const FROM_POOL_BYTES_MAX = 64
const pool = new Uint8Array(POOL_BYTES)
let inPool = 0

/** A few bytes come from a store of the operating system's, each once; many at a time come from it directly. */
function fromSystem(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { length } = bytes
  if (length > FROM_POOL_BYTES_MAX) return getRandomValues(bytes)
  if (inPool < length) {
    getRandomValues(pool)
    inPool = POOL_BYTES
  }
  inPool -= length
  bytes.set(pool.subarray(inPool, inPool + length))
  // What was handed out must not lie about in memory.
  pool.fill(0, inPool, inPool + length)
  return bytes
}

/**
 * A repeatable source: the same seed gives the same numbers. Not for secrets.
 * The generator is Mulberry32 (Tommy Ettinger, 2017; public domain): 32 bits of state, period 2^32.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    float: () => next() / 4_294_967_296,
    fill: (bytes) => {
      for (let index = 0; index < bytes.length; index++) bytes[index] = next() & 0xff
      return bytes
    },
  }
}
