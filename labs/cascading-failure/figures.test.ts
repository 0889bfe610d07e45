import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chart } from './chart.ts'
import { arrivals, type Visit } from './customers.ts'
import { type Figures, figuresOf, type Observed, seriesOf, verdict } from './figures.ts'
import { ARRIVALS_PER_SECOND, SERVICES, type Stage, STAGES } from './stages.ts'

const timeline = { slowFromMs: 1_000, slowUntilMs: 3_000, endMs: 6_000 }

/** A stage in which inventory got so many requests a second, and storefront had so many in flight. */
function observed(stage: Stage, given: { inFlight: number; perSecond: number; tookMs: number; diedAtMs?: number }): Observed {
  const times = Array.from({ length: 60 }, (_, index) => index * 100)
  return {
    stage,
    timeline,
    samples: times.flatMap((atMs) =>
      SERVICES.map((service) => ({
        service,
        atMs,
        inFlight: service === 'storefront' ? given.inFlight : 1,
        arrived: service === 'inventory' ? (atMs * given.perSecond) / 1_000 : 0,
      })),
    ),
    visits: times.map((atMs): Visit => ({ atMs, page: atMs % 200 === 0 ? 'checkout' : 'product', outcome: 'ok', tookMs: given.tookMs })),
    deaths: given.diedAtMs === undefined ? [] : [{ service: 'storefront', atMs: given.diedAtMs, how: 'SIGABRT' }],
  }
}

describe('the figures of a stage', () => {
  test('are those of the time in which inventory is slow', () => {
    const figures = figuresOf(observed(STAGES[0]!, { inFlight: 7, perSecond: 10, tookMs: 2_500, diedAtMs: 2_000 }))
    assert.deepEqual(figures.inFlight, { mean: 7, max: 7 })
    assert.equal(figures.diedAtMs, 2_000)
    assert.equal(figures.checkoutMs.p99, 2_500)
    assert.equal(figures.inTime.product.slow, 0, 'nobody waits so long')
    assert.ok(Math.abs(figures.callsPerCheckout - 2) < 0.1, `${figures.callsPerCheckout} of 10 requests to 5 checkouts a second`)
  })

  test('a process that reports nothing for a while keeps what it had', () => {
    const full = observed(STAGES[1]!, { inFlight: 4, perSecond: 10, tookMs: 5 })
    const { inFlight, load } = seriesOf({ ...full, samples: full.samples.filter(({ atMs }) => atMs < 2_000 || atMs >= 4_000) }, 500)
    assert.deepEqual(new Set(inFlight.get('storefront')), new Set([4]))
    assert.equal(Math.round(load.reduce((sum, each) => sum + each, 0) / 2), 59)
  })
})

describe('the verdict of the lab', () => {
  const promisedBy = (change: (figures: Figures) => Figures) =>
    verdict(
      STAGES.map((stage) => {
        const given = {
          none: { inFlight: 30, perSecond: 10, tookMs: 5_000, diedAtMs: 2_000 },
          timeout: { inFlight: 10, perSecond: 10, tookMs: 800 },
          bulkhead: { inFlight: 3, perSecond: 5, tookMs: 300 },
          breaker: { inFlight: 2, perSecond: 1, tookMs: 10 },
          'naive-retry': { inFlight: 20, perSecond: 80, tookMs: 2_600 },
          retry: { inFlight: 12, perSecond: 12, tookMs: 900 },
          all: { inFlight: 2, perSecond: 1, tookMs: 10 },
        }[stage.name]!
        return change(figuresOf(observed(stage, given)))
      }),
    )

  test('is that everything came about, when it did', () => {
    assert.deepEqual(
      promisedBy((figures) => figures).filter(({ holds }) => !holds),
      [],
    )
  })

  for (const [what, name, change] of [
    ['storefront lived without policies', 'none', { diedAtMs: undefined }],
    ['storefront died with timeouts', 'timeout', { diedAtMs: 3_000 }],
    ['bulkheads changed nothing', 'bulkhead', { inFlight: { mean: 10, max: 10 } }],
    ['breakers spared nobody', 'breaker', { callsPerCheckout: 2 }],
    ['breakers were slow', 'breaker', { checkoutMs: { p50: 800, p99: 800 } }],
    ['a budget changed nothing', 'retry', { callsPerCheckout: 16 }],
    [
      'the shop did not sell again',
      'all',
      { inTime: { product: { before: 1, slow: 1, last: 1 }, checkout: { before: 1, slow: 0, last: 0 } } },
    ],
  ] as const) {
    test(`sees that ${what}`, () => {
      const failed = promisedBy((figures) => (figures.stage.name === name ? { ...figures, ...change } : figures)).filter(
        ({ holds }) => !holds,
      )
      assert.equal(failed.length, 1, JSON.stringify(failed))
    })
  }
})

test('customers are the same for the same seed, and as many as announced', () => {
  const once = arrivals(7, 100_000)
  assert.deepEqual(arrivals(7, 100_000), once)
  assert.notDeepEqual(arrivals(8, 100_000), once)
  const checkouts = once.filter(({ page }) => page === 'checkout').length / 100
  assert.ok(Math.abs(checkouts - ARRIVALS_PER_SECOND.checkout) < 1, `${checkouts} checkouts a second`)
  assert.ok(once.every(({ atMs }, index) => index === 0 || atMs >= once[index - 1]!.atMs))
})

test('the chart is one picture without script, for light and for dark', () => {
  const svg = chart(
    STAGES.map((stage, index) =>
      observed(stage, { inFlight: index * 20, perSecond: 10, tookMs: 5, ...(index === 0 && { diedAtMs: 2_000 }) }),
    ),
  )
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.match(svg, /prefers-color-scheme:dark/)
  assert.doesNotMatch(svg, /<script|NaN|undefined|Infinity/)
  assert.equal(svg.match(/storefront dies/g)?.length, 1)
  for (const { title } of STAGES) assert.ok(svg.includes(`>${title}</text>`), title)
  const open = svg.match(/<(?!\/)[a-z]+[^>]*(?<!\/)>/g)!.length
  assert.equal(svg.match(/<\/[a-z]+>/g)!.length, open, 'every element is closed')
})
