import { seededRandom } from 'seaworthy/core'
import type { Effort, Metric } from '../../harness/suite.ts'
import { planGraph } from './lock-graphs/lock-graph.ts'
import { LockGraphWorld } from './lock-graphs/lock-graph-world.ts'

const GRAPHS = { quick: 10, full: 200 }

async function rootBlockers({ quick }: Effort): Promise<{ readonly right: number; readonly waiters: number }> {
  await using world = await LockGraphWorld.start()
  const random = seededRandom(9)
  let locks = 0
  let right = 0
  let waiters = 0
  for (let graph = 0; graph < (quick ? GRAPHS.quick : GRAPHS.full); graph++) {
    for (const { isRight, why } of await world.run(planGraph(random, () => ++locks))) {
      waiters++
      if (isRight) right++
      else console.error(`graph ${graph}: ${why}`)
    }
  }
  return { right, waiters }
}

export const rootBlockerMetrics: readonly Metric[] = [
  {
    name: 'root-blocker',
    unit: 'waiters whose span names who held them up',
    better: 'higher',
    peer: 'waiters',
    target: { ratioMin: 0.95 },
    note: '200 random graphs of locks on rows, tables and numbers between three services in processes of their own: trees, deadlocks, prepared transactions, a person with a shell.',
    async count(effort) {
      const { right, waiters } = await rootBlockers(effort)
      return { ours: right, peer: waiters }
    },
  },
]
