import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Ownership,
  type Phase,
  type ReadQuestion,
  MappingError,
  defineMapping,
  formatToken,
  gateOf,
  parseToken,
  readerOf,
  step,
  writerOf,
} from '@seaworthy/strangler/cut-over'
import { ConfigurationError, InvalidInputError } from 'seaworthy/core'
import { directed } from '../../src/cut-over/mapping.ts'
import { readinessOf } from '../../src/cut-over/readiness.ts'
import { decode, encode } from '../../src/cut-over/wire.ts'
import { reviewsMapping } from './reviews.ts'

const PHASES: readonly Phase[] = ['old', 'switching', 'new', 'switching-back', 'returning', 'retired']

void suite('who owns the data', () => {
  test('never do both sides take writes of one key, and whoever writes finds an open gate', () => {
    for (const phase of PHASES) {
      const open = (['old', 'new'] as const).filter((side) => gateOf(side, phase) !== 'closed')
      assert.ok(open.length <= 1, phase)
      for (const isHeld of [true, false]) {
        const writer = writerOf({ phase, epoch: 1 }, isHeld)
        if (writer !== 'hold') assert.notEqual(gateOf(writer, phase), 'closed')
        else assert.ok(gateOf('old', phase) === 'held' || open.length === 0)
      }
    }
  })

  test('between two owners nobody writes, on every way through the steps', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PHASES), { maxLength: 40 }), (wanted) => {
        let state: Ownership = { phase: 'old', epoch: 1 }
        let last = 'old'
        for (const phase of wanted) {
          const next = step(state, phase)
          if (next === undefined) continue
          assert.equal(next.epoch, state.epoch + 1)
          const writer = writerOf(next, false)
          // The owner changes only from a state without one.
          if (writer !== 'hold' && writer !== last) assert.equal(writerOf(state, false), 'hold')
          if (writer !== 'hold') last = writer
          state = next
        }
      }),
    )
  })

  test('a monolith that was retired is never given the data again', () => {
    for (const phase of PHASES) assert.equal(step({ phase: 'retired', epoch: 9 }, phase), undefined)
  })
})

void suite('where somebody reads', () => {
  const question = (fed: number, token?: string): ReadQuestion => ({
    ownership: { phase: 'new', epoch: 3 },
    fed: { old: fed, new: 0 },
    wish: 'old',
    token: token === undefined ? undefined : parseToken(token),
  })

  test('he stays where he has written until the other side has it', () => {
    assert.equal(readerOf(question(41, 'new.42')), 'new')
    assert.equal(readerOf(question(42, 'new.42')), 'old')
    assert.equal(readerOf(question(-1, 'new.0')), 'new')
    assert.equal(readerOf(question(0)), 'old')
    assert.equal(readerOf({ ...question(0), ownership: { phase: 'retired', epoch: 4 } }), 'new')
  })

  test('a token that is none is refused', () => {
    assert.equal(formatToken(parseToken('old.7')), 'old.7')
    for (const text of ['', 'old', 'old.', 'left.7', 'old.7.7', 'old.-7']) assert.throws(() => parseToken(text), InvalidInputError)
  })
})

void suite('whether the data is ready', () => {
  const standing = {
    phase: 'old' as Phase,
    copy: { stage: 'done' as const, after: null },
    verifiedAtMs: 1,
    lag: { changes: 3, ageMs: 20 },
    parked: [],
    failure: undefined,
  }
  const limits = { readyChangesMax: 10, readyAgeMaxMs: 100 }

  test('copied, verified and close behind, it is', () => {
    assert.deepEqual(readinessOf(standing, limits), { ready: true })
    assert.deepEqual(readinessOf({ ...standing, phase: 'new', verifiedAtMs: 0 }, limits), { ready: true })
  })

  test('otherwise it says why not', () => {
    const why = (change: Partial<Parameters<typeof readinessOf>[0]>) => {
      const readiness = readinessOf({ ...standing, ...change }, limits)
      return readiness.ready ? undefined : readiness.reason
    }
    assert.match(why({ copy: { stage: 'scan', after: '17' } })!, /key 17 of its scan/)
    assert.match(why({ verifiedAtMs: 0 })!, /not been verified/)
    assert.match(why({ lag: { changes: 11, ageMs: 0 } })!, /11 changes are missing, more than 10/)
    assert.match(why({ lag: { changes: 1, ageMs: 101 } })!, /101 ms behind/)
    assert.match(why({ parked: [{ key: '5', reason: 'it is odd' }] })!, /key 5 .* it is odd/)
    assert.match(why({ failure: 'no route to host' })!, /no route to host/)
    assert.match(why({ phase: 'switching' })!, /on its way/)
  })
})

void suite('a mapping', () => {
  const forth = directed(reviewsMapping, 'new')
  const back = directed(reviewsMapping, 'old')
  const old = { reviews: [{ id: 7, product: '1', stars: 3, body: 'fine' }], review_votes: [{ id: 1, review_id: 7, voter: 'ada', up: 1 }] }

  test('leads there and back', () => {
    assert.deepEqual(back.map(forth.map(old, '7'), '7'), old)
    assert.deepEqual(forth.map({ reviews: [], review_votes: [] }, '7'), { review: [], voter: [] })
  })

  test('that returns what the other side cannot hold says so, with the key', () => {
    const broken = (toNew: (entity: unknown) => unknown) => directed({ ...reviewsMapping, toNew: toNew as never } as never, 'new')
    const right = forth.map(old, '7')
    const wrongs: readonly [(entity: unknown) => unknown, RegExp][] = [
      [() => ({ ...right, other: [] }), /rows of other, which is not declared/],
      [() => ({ review: right['review'] }), /no rows of voter/],
      [() => ({ ...right, review: [{ ...right['review']![0], rating: undefined }] }), /review.rating is undefined/],
      [() => ({ ...right, review: [{ ...right['review']![0], rating: Number.NaN }] }), /review.rating is number/],
      [() => ({ ...right, review: [{ ...right['review']![0], review_id: '8' }] }), /has the key 8/],
      [() => ({ ...right, review: [{ ...right['review']![0], more: 1 }] }), /review.more is not declared/],
      [() => ({ ...right, voter: [right['voter']![0], right['voter']![0]] }), /two rows of voter/],
      [() => assert.fail('no such product'), /no such product/],
    ]
    for (const [toNew, message] of wrongs) {
      assert.throws(
        () => broken(toNew).map(old, '7'),
        (error) => error instanceof MappingError && error.key === '7' && message.test(error.message),
      )
    }
  })

  test('that contradicts itself is refused', () => {
    const table = { key: 'id', primaryKey: ['id'], columns: ['id'] }
    const declared = (name: string, old: object) =>
      defineMapping({ name, old, new: { t: table }, toNew: () => ({ t: [] }), toOld: () => ({}) } as never)
    assert.throws(() => declared('Reviews!', { t: table }), ConfigurationError)
    assert.throws(() => declared('reviews', {}), /names no table on its old side/)
    assert.throws(() => declared('reviews', { t: { ...table, key: 'other' } }), /t.other is a key, and not among its columns/)
    assert.throws(() => declared('reviews', { 'a"b': table }), /no plain SQL name/)
    assert.throws(() => declared('reviews', { t: { ...table, primaryKey: [] } }), /no primary key/)
  })
})

test('whatever a column holds crosses the wire as it is', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.bigInt(), fc.uint8Array(), fc.boolean(), fc.constant(null))
  fc.assert(
    fc.property(
      fc.array(
        fc.dictionary(
          fc.string().map((name) => `c${name}`),
          value,
        ),
      ),
      (rows) => {
        const plain = rows.map((row) => ({ ...row }))
        assert.deepEqual(decode(encode(plain)), plain)
      },
    ),
  )
  assert.deepEqual(decode(encode({ bytes: Buffer.from('abc') })), { bytes: new Uint8Array([97, 98, 99]) })
})
