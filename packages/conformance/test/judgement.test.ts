import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { OutboxEvent } from '@seaworthy/conformance'
import { outOfOrderEffects, repeatedEffects } from '../src/effects.ts'
import { duplicates, ghosts, inversions, lost, staleSends } from '../src/judgement.ts'

const event = (key: string, number: number): OutboxEvent => ({ id: `${key}${number}`, key, number })
const seen = (text: string, instance = 'relay-1') => text.split(' ').map((id) => ({ id, key: id[0]!, instance }))
const committed = [event('a', 1), event('a', 2), event('a', 3), event('b', 1)]

suite('what the kit makes of what arrived', () => {
  test('what did not come is lost, and what was not committed is a ghost', () => {
    assert.deepEqual(lost(committed, seen('a1 a3 b1')), [event('a', 2)])
    assert.deepEqual(
      ghosts(committed, seen('a1 c1')).map(({ id }) => id),
      ['c1'],
    )
  })

  test('a later number before an earlier one is an inversion, and a repetition is none', () => {
    assert.deepEqual(inversions(committed, seen('a1 a3 b1 a2')), [{ key: 'a', number: 2, after: 3 }])
    assert.deepEqual(inversions(committed, seen('a1 a2 a1 a2 a3 b1')), [])
    assert.equal(duplicates(seen('a1 a2 a1 a2 a3')).length, 2)
  })

  test('a relay that repeats itself is not stale, and one that repeats what another has passed is', () => {
    assert.deepEqual(staleSends(committed, [...seen('a1 a2'), ...seen('a1 a2')]), [])
    assert.deepEqual(staleSends(committed, [...seen('a1'), ...seen('a1 a2', 'relay-2'), ...seen('a1')]), [
      { key: 'a', number: 1, after: 2 },
    ])
  })

  test('effects that happen again, or after later ones, are named', () => {
    const effects = (text: string) => text.split(' ').map((id) => ({ id, key: id[0]!, number: Number(id.slice(1)) }))
    assert.equal(repeatedEffects(effects('a1 a2 b1')), undefined)
    assert.match(repeatedEffects(effects('a1 a2 a1'))!, /^1 effects happened again: the first is that of number 1 of a/)
    assert.equal(outOfOrderEffects(effects('a1 a2 a1')), undefined)
    assert.match(outOfOrderEffects(effects('a2 a1'))!, /^1 effects out of their key's order/)
  })

  test('whatever order all events of sorted keys arrive in, there are no inversions exactly when each key is sorted', () => {
    const order = fc.shuffledSubarray(committed, { minLength: committed.length })
    fc.assert(
      fc.property(order, (arrived) => {
        const ofA = arrived.filter(({ key }) => key === 'a').map(({ number }) => number)
        const found = inversions(
          committed,
          arrived.map((one) => ({ ...one, instance: 'relay' })),
        )
        assert.equal(
          found.length === 0,
          ofA.every((number, index) => index === 0 || number > ofA[index - 1]!),
        )
      }),
    )
  })
})
