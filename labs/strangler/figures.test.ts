import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BigBang } from './big-bang.ts'
import type { Booking } from './booking.ts'
import { chart } from './chart.ts'
import { brokenPromises, figuresOf } from './figures.ts'
import { carelessly, PLANTED_FIELDS, SLOW_FROM_MS } from './planted-faults.ts'
import { judgeList, type ListedReview } from './reviews-as-read.ts'
import type { Strangled } from './strangling.ts'

const review: ListedReview = {
  id: 'review-1',
  productId: 'product-1',
  customerId: 'ada',
  author: 'Ada',
  rating: 5,
  comment: 'solid',
  createdAt: '2026-11-27T10:00:00.123Z',
}
const known = new Map([[review.id, review]])

describe('a list of reviews', () => {
  test('is stale without what the reader has written, and only then', () => {
    assert.equal(judgeList([review], [review], known).outcome, 'served')
    assert.equal(judgeList([], [review], known).outcome, 'stale')
    assert.equal(judgeList([], [], known).outcome, 'served')
  })

  test('is wrong when a review is not as its writer was told, whoever that is', () => {
    assert.equal(judgeList([carelessly(review)], [], known).outcome, 'wrong')
    assert.equal(judgeList([{ ...review, id: 'of the seed', rating: 1 }], [], known).outcome, 'served')
  })

  test('has the planted bugs in the planted fields', () => {
    const made = carelessly(review)
    const differing = (Object.keys(review) as (keyof ListedReview)[]).filter((field) => made[field] !== review[field])
    assert.deepEqual(differing.map((field) => `body.items[].${field}`).toSorted(), PLANTED_FIELDS)
  })
})

const booked = (booking: Partial<Booking>): Booking => ({
  atMs: 0,
  user: 'ada',
  asked: 'list reviews',
  tookMs: 10,
  outcome: 'served',
  ...booking,
})

const bigBang: BigBang = {
  eachMs: 1_000,
  slowFromMs: 1_000,
  bookings: [booked({ outcome: 'wrong' }), booked({}), booked({ atMs: 1_500, tookMs: 2 * SLOW_FROM_MS })],
}
const found = { compared: 100, text: '', tookMs: 1_000 }
const strangled: Strangled = {
  steps: [],
  bookings: [
    booked({ atMs: 4_000 }),
    // Before the slow release, for a restart: not its doing.
    booked({ atMs: 4_000, tookMs: 2 * SLOW_FROM_MS }),
    booked({ atMs: 5_800, tookMs: 2 * SLOW_FROM_MS }),
    booked({ atMs: 7_050, tookMs: 2 * SLOW_FROM_MS }),
    booked({ atMs: 7_300, tookMs: 5 }),
    booked({ atMs: 9_000, asked: 'see a product', tookMs: 2 * SLOW_FROM_MS }),
  ],
  refusal: 'the copy has not begun',
  careless: { ...found, fields: PLANTED_FIELDS },
  mended: { ...found, fields: [] },
  catalog: { ...found, fields: [] },
  regression: { plantedAtMs: 5_500, decidedAtMs: 7_000, why: 'slow' },
  ledger: [{ atMs: 7_000, kind: 'automatic-rollback', route: 'reviews', fromPercent: 100, toPercent: 0, why: 'slow' }],
  verification: { kind: 'equal', ranges: 1, keys: 1, differing: [], differingRanges: [] },
  strayStatus: 503,
  audit: { reviews: 1, accounts: 1, lost: [], unasked: [], unrated: [] },
}

test('the chart is one picture without script, for light and for dark, with each run and each step', () => {
  const svg = chart([
    { title: 'at once', bookings: bigBang.bookings, steps: [] },
    { title: 'step by step', bookings: strangled.bookings, steps: [{ atMs: 5_500, what: 'a < b & c' }] },
  ])
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.match(svg, /prefers-color-scheme:dark/)
  assert.doesNotMatch(svg, /<script|NaN|undefined|Infinity/)
  assert.match(svg, />1: 1\.5 s, a &lt; b &amp; c<\/text>/)
  assert.equal(svg.match(/<rect class="wrong" x="48"/g)?.length, 1, 'the wrong answer of the big bang')
  const open = svg.match(/<(?!\/)[a-z]+[^>]*(?<!\/)>/g)!.length
  assert.equal(svg.match(/<\/[a-z]+>/g)!.length, open, 'every element is closed')
})

test('figures count what users met, and the slow answers that the slow release made', () => {
  const figures = figuresOf(strangled, bigBang)
  assert.deepEqual(figures.strangled, {
    requests: 6,
    failed: 0,
    stale: 0,
    wrong: 0,
    slow: 2,
    lostWrites: 0,
    unaskedWrites: 0,
    decidedAfterMs: 1_500,
    rolledBackAfterMs: 305,
    longestWaitMs: 2 * SLOW_FROM_MS,
  })
  assert.deepEqual(figures.bigBang.careless, { requests: 2, failed: 0, stale: 0, wrong: 1, slow: 0 })
  assert.equal(figures.bigBang.slow.slow, 1)
})

describe('the verdict of the lab', () => {
  const verdictOf = (story: Partial<Strangled>, bang: Partial<BigBang> = {}) => {
    const whole = { ...strangled, ...story }
    return brokenPromises(figuresOf(whole, { ...bigBang, ...bang }), whole)
  }
  const withBooking = (booking: Partial<Booking>) => ({ bookings: [...strangled.bookings, booked(booking)] })

  test('is that everything is as promised, when it is', () => {
    assert.deepEqual(verdictOf({}), [])
  })

  const cases: readonly (readonly [what: string, story: Partial<Strangled>, bang?: Partial<BigBang>])[] = [
    ['a request that failed', withBooking({ outcome: 'failed' })],
    ['a stale read', withBooking({ outcome: 'stale' })],
    ['a wrong answer', withBooking({ outcome: 'wrong' })],
    ['a lost write', { audit: { ...strangled.audit, lost: ['review 1'] } }],
    ['a write that was made twice', { audit: { ...strangled.audit, unasked: ['1'] } }],
    ['a product that is rated otherwise', { audit: { ...strangled.audit, unrated: ['product-1'] } }],
    ['a bug that was not found', { careless: { ...found, fields: PLANTED_FIELDS.slice(1) } }],
    ['a false alarm', { mended: { ...found, fields: ['body.total'] } }],
    ['a false alarm about the catalog', { catalog: { ...found, fields: ['body.rating'] } }],
    ['a false alarm beside the bugs', { careless: { ...found, fields: [...PLANTED_FIELDS, 'body.total'] } }],
    ['a shift without data', { refusal: '' }],
    ['a slow release that stayed', { ledger: [] }],
    ['sides that differ', { verification: { ...strangled.verification, kind: 'different', differing: ['7'] } }],
    ['a stray write that was taken', { strayStatus: 201 }],
    ['a big bang that did no harm', {}, { bookings: [] }],
  ]
  for (const [what, story, bang] of cases) {
    test(`sees ${what}`, () => {
      assert.notDeepEqual(verdictOf(story, bang), [])
    })
  }

  test('sees that nobody was answered quickly after the rollback', () => {
    assert.equal(verdictOf({ bookings: strangled.bookings.filter(({ atMs }) => atMs < 7_300) }).length, 1)
  })
})
