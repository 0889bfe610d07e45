import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { proveShare } from './command/prove.ts'
import { worlds } from './worlds/index.ts'

const RANDOM_HISTORIES = 40
// There `npm run simulate` proves the same and more, in a step of its own.
const skip = process.env['CI'] !== undefined && 'in continuous integration npm run simulate does this'

void suite('the library under simulation', () => {
  for (const world of worlds) {
    test(`${world.name}: no single fault, and none of some random histories, breaks what ${world.chapter} promises`, { skip }, async () => {
      const { failure, runs, points } = await proveShare(world, { exhaustive: 1, seeds: RANDOM_HISTORIES })
      assert.equal(failure, undefined, failure === undefined ? '' : `${failure.message} In history '${failure.history}'.`)
      // Of a world that leaves faults out, there are points where none can strike.
      const least = (world.faults === undefined ? points : RANDOM_HISTORIES) * (world.share ?? 1)
      assert.ok(runs > least, `${runs} runs are fewer than ${least}: something was left out`)
    })
  }
})
