import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { planGraph } from '../suites/observability/lock-graphs/lock-graph.ts'
import { LockGraphWorld, type WaiterVerdict } from '../suites/observability/lock-graphs/lock-graph-world.ts'

const GRAPHS = 20
const SEED = 1

test('in random graphs of locks between services, who waits names the root, also where it has no trace or is a deadlock', async (t) => {
  await using world = await LockGraphWorld.start()
  const random = seededRandom(SEED)
  let locks = 0
  const verdicts: WaiterVerdict[] = []
  for (let graph = 0; graph < GRAPHS; graph++) verdicts.push(...(await world.run(planGraph(random, () => ++locks))))
  const wrong = verdicts.filter(({ isRight }) => !isRight)
  for (const { why } of wrong) t.diagnostic(why)
  t.diagnostic(`seed ${SEED}: ${verdicts.length - wrong.length} of ${verdicts.length} waiters`)
  assert.ok(verdicts.length >= GRAPHS)
  // One look at the wrong moment of a busy machine is no defect; the benchmark counts over two hundred graphs.
  assert.ok(wrong.length <= verdicts.length * 0.1, wrong.map(({ why }) => why).join('\n'))
})
