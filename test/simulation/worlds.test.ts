import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { prove } from './command/prove.ts'
import { worlds } from './worlds/index.ts'

void suite('the library under simulation', () => {
  for (const world of worlds) {
    test(`${world.name}: no single fault, and none of some random histories, breaks what ${world.chapter} promises`, async () => {
      const { failure, runs, points } = await prove(world, { exhaustive: 1, seeds: 40 })
      assert.equal(failure, undefined, failure === undefined ? '' : `${failure.message} In history '${failure.history}'.`)
      assert.ok(runs > points, `${runs} runs are fewer than there are points: something was left out`)
    })
  }
})
