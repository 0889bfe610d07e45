import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { seededRandom, systemRandom, uuidV7 } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('a UUID version 7', () => {
  test('has the format of RFC 9562 and begins with the time', () => {
    const clock = new VirtualClock({ nowMs: 0x0192_3456_789a })
    const id = uuidV7(clock)()
    assert.match(id, UUID_V7)
    assert.equal(id.slice(0, 13), '01923456-789a')
  })

  test('sorts in the order of making: within a millisecond, over milliseconds, and when the clock stands still or goes back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -5_000, max: 5_000 })), { maxLength: 300 }),
        fc.integer(),
        (jumps, seed) => {
          const clock = new VirtualClock()
          const newId = uuidV7(clock, seededRandom(seed))
          const ids = jumps.map((jumpMs) => {
            clock.jumpWallClock(jumpMs)
            return newId()
          })
          assert.deepEqual(ids, ids.toSorted())
          assert.equal(new Set(ids).size, ids.length)
          for (const id of ids) assert.match(id, UUID_V7)
        },
      ),
    )
  })

  test('borrows from the next millisecond when its counter is full', () => {
    const clock = new VirtualClock()
    const newId = uuidV7(clock)
    const ids = Array.from({ length: 10_000 }, newId)
    assert.deepEqual(ids, ids.toSorted())
    assert.equal(new Set(ids).size, ids.length)
    const lastMs = Number.parseInt(ids.at(-1)!.replace('-', '').slice(0, 12), 16)
    assert.ok(lastMs > clock.now() && lastMs <= clock.now() + 5)
  })

  test('two makers do not collide in the same millisecond', () => {
    const clock = new VirtualClock()
    const [left, right] = [uuidV7(clock, systemRandom), uuidV7(clock, systemRandom)]
    const ids = Array.from({ length: 1_000 }, () => [left(), right()]).flat()
    assert.equal(new Set(ids).size, 2_000)
  })
})

describe("the system's randomness", () => {
  test('hands out every byte once, however many are asked for at a time', () => {
    for (const length of [1, 16, 64, 65, 1_000]) {
      const seen = new Set(Array.from({ length: 600 }, () => Buffer.from(systemRandom.fill(new Uint8Array(length))).toString('hex')))
      // Single bytes repeat; of sixteen, no two of 600 are equal before the sun burns out.
      if (length >= 16) assert.equal(seen.size, 600)
      else assert.ok(seen.size > 200)
    }
    assert.equal(systemRandom.fill(new Uint8Array(0)).length, 0)
  })
})
