import { explore, simulate } from '@seaworthy/simulation'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SAFETY_NETS } from '../../platform/switches.ts'
import { STAGES } from '../../stages/stages.ts'
import { type Shopping, shopWorld, theBooksAreRight } from './shop-world.ts'

/** One order that is fulfilled, and one that has to be undone. */
const TWO_CHECKOUTS: readonly Shopping[] = [
  { customerId: 'ada', product: 'lamp', quantity: 2, card: 'ok' },
  { customerId: 'grace', product: 'rope', quantity: 3, card: 'declined' },
]
/** With the answer that comes later than anybody waits, a product that runs out, and a parcel that nobody carries. */
const SIX_CHECKOUTS: readonly Shopping[] = [
  ...TWO_CHECKOUTS,
  { customerId: 'ada', product: 'lamp', quantity: 1, card: 'slow' },
  { customerId: 'grace', product: 'lamp', quantity: 6, card: 'ok' },
  { customerId: 'ada', product: 'rope', quantity: 101, card: 'ok' },
  { customerId: 'grace', product: 'rope', quantity: 1, card: 'ok' },
]

/** Of the some 600 histories with one fault, about a third in every run of the tests. `SHOP_SIMULATION_SHARE=1` runs all. */
const SHARE = Number(process.env['SHOP_SIMULATION_SHARE'] ?? 1 / 3)
/** Random histories. `SHOP_SIMULATION_SEEDS=1000` runs more. */
const SEEDS = Number(process.env['SHOP_SIMULATION_SEEDS'] ?? 60)

describe('the shop, as it runs in production, in virtual time', () => {
  test('keeps its books right whatever goes wrong once, wherever it does', async (t) => {
    const { runs, points, missed } = await simulate({
      system: shopWorld(TWO_CHECKOUTS),
      invariants: [theBooksAreRight(TWO_CHECKOUTS)],
      exhaustive: 1,
      share: SHARE,
    })
    t.diagnostic(`${runs} histories, ${points} points`)
    assert.equal(missed, 0)
    assert.ok(runs > 500 * SHARE, `${runs} runs`)
  })

  test('keeps them right when several things go wrong', async (t) => {
    const { runs, struck } = await simulate({
      system: shopWorld(SIX_CHECKOUTS),
      invariants: [theBooksAreRight(SIX_CHECKOUTS)],
      seeds: SEEDS,
      faultsMax: 6,
    })
    t.diagnostic(`${runs} histories: ${JSON.stringify(struck)}`)
  })

  test('keeps them right without a monolith, too', async (t) => {
    const { runs, struck } = await simulate({
      system: shopWorld(TWO_CHECKOUTS, { stage: STAGES.length - 1 }),
      invariants: [theBooksAreRight(TWO_CHECKOUTS)],
      seeds: SEEDS / 2,
      faultsMax: 4,
    })
    t.diagnostic(`${runs} histories: ${JSON.stringify(struck)}`)
  })

  for (const net of SAFETY_NETS) {
    test(`without ${net} goes wrong, and few faults are enough to show it`, async (t) => {
      const { failure } = await explore({
        system: shopWorld(TWO_CHECKOUTS, { without: net }),
        invariants: [theBooksAreRight(TWO_CHECKOUTS)],
        seeds: 600,
      })
      assert.ok(failure !== undefined, `nothing in 600 histories noticed that ${net} was missing`)
      t.diagnostic(`${failure.runs} histories, ${failure.shrinkRuns} to shrink: ${failure.history}: ${failure.message}`)
      assert.equal(failure.invariant, 'the books are right')
      // Something has to go wrong first: a shop that fails by itself would prove nothing about the net.
      assert.ok(failure.faults.length >= 1 && failure.faults.length <= 3, failure.history)
      const { failure: mended } = await explore({
        system: shopWorld(TWO_CHECKOUTS),
        invariants: [theBooksAreRight(TWO_CHECKOUTS)],
        replay: failure.history,
      })
      assert.equal(mended, undefined, 'with the net the same faults do no harm')
    })
  }
})
