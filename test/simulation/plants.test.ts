import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { prove } from './command/prove.ts'
import { plants } from './plants/index.ts'

const FAULTS_MAX = 3

void suite('planted defects', () => {
  for (const { name, world } of plants) {
    test(`${name} is found, with at most ${FAULTS_MAX} faults`, async () => {
      const { failure } = await prove(world, { exhaustive: 1, seeds: 2_000 })
      assert.ok(failure !== undefined, 'nothing was found')
      assert.ok(failure.faults.length <= FAULTS_MAX, failure.history)
    })
  }

  test('no two have one name', () => {
    assert.equal(new Set(plants.map(({ name }) => name)).size, plants.length)
  })
})
