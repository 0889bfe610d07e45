import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import { environment } from './environment.ts'
import type { Random } from './random.ts'
import { systemRandom } from './random.ts'

/** Makes identifiers. */
export type NewId = () => string

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A maker of UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then randomness, so that ids
 * made later sort later to the millisecond and an index grows at its end. Ids from one maker also sort within
 * a millisecond: 12 bits count up there (RFC 9562, section 6.2, method 1).
 */
export function uuidV7(clock: Clock = systemClock, random: Random = systemRandom): NewId {
  const bytes = new Uint8Array(16)
  let lastMs = 0
  let counter = 0
  return () => {
    random.fill(bytes)
    const now = clock.now()
    if (now > lastMs) {
      lastMs = now
      counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!
    } else if (++counter > 0xfff) {
      // The clock stands still or went back and the counter is full: borrow the next millisecond.
      lastMs++
      counter = 0
    }
    const high = Math.floor(lastMs / 0x1_0000_0000)
    bytes[0] = high >>> 8
    bytes[1] = high & 0xff
    bytes[2] = (lastMs >>> 24) & 0xff
    bytes[3] = (lastMs >>> 16) & 0xff
    bytes[4] = (lastMs >>> 8) & 0xff
    bytes[5] = lastMs & 0xff
    bytes[6] = 0x70 | (counter >>> 8)
    bytes[7] = counter & 0xff
    bytes[8] = 0x80 | (bytes[8]! & 0x3f)
    let text = ''
    for (let index = 0; index < 16; index++) {
      if (index === 4 || index === 6 || index === 8 || index === 10) text += '-'
      text += HEX[bytes[index]!]
    }
    return text
  }
}

const ofThisProcess = uuidV7()

/** A UUID version 7 from this process's clock and randomness. */
export const newId: NewId = () => environment()?.newId() ?? ofThisProcess()
