import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { turnOf } from '../../scripts/commit.ts'
import { CRASH_RUN, type CrashRunOptions, crashRun } from './crash-run.ts'

const run: CrashRunOptions = { ...CRASH_RUN, seed: Number(process.env['SEAWORTHY_SEED'] ?? Date.now() % 1_000_000) }

const NETS = ['inbox', 'idempotency-keys', 'unknown-outcome']
// Continuous integration has half an hour for everything, and takes one of them for each commit; without idempotency keys the books take minutes to come to rest.
const BRIEF = NETS.filter((net) => net !== 'idempotency-keys')
const turn = turnOf(BRIEF.length)
const nets = turn === undefined ? NETS : [BRIEF[turn]!]

suite('customers check out while orders, payments, inventory and notifications are killed', () => {
  test('every order is completed or undone, nobody pays twice, stock and ledger agree, one e-mail each', async (t) => {
    const { violations, kills, tookMs } = await crashRun(run)
    t.diagnostic(`seed ${run.seed}: kills ${JSON.stringify(kills)} in ${(tookMs / 1000).toFixed(0)} s`)
    assert.deepEqual(violations, [])
    // A fault test whose fault never fired proves nothing.
    for (const [victim, count] of Object.entries(kills)) assert.ok(count > 0, `${victim} was never killed`)
  })

  for (const without of nets) {
    test(`without ${without} the same run finds the books wrong`, async (t) => {
      // Whether a kill falls into the moment that the net is for is chance: a run may miss it, three in a row do not.
      for (let attempt = 0; attempt < 3; attempt++) {
        const { violations, kills, tookMs } = await crashRun({ ...run, seed: run.seed + attempt, without })
        t.diagnostic(
          `without ${without}: kills ${JSON.stringify(kills)} in ${(tookMs / 1000).toFixed(0)} s; first of ${violations.length}: ${violations[0]}`,
        )
        if (violations.length > 0) return
      }
      assert.fail(`three runs did not notice that ${without} was missing`)
    })
  }
})
