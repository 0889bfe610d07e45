import { type DrainKind, explore } from '@seaworthy/simulation'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Effort, Metric, Round } from '../../harness/suite.ts'
import { everyOrderIsShippedOnce, twoServices } from '../../../test/simulation/worlds/outbox-inbox.ts'

const module = import.meta.url
const SEEDS = 1_000

/** Runs so many random histories, with faults. @returns their trace hashes @throws when one breaks the invariant */
async function traces(drain: DrainKind, seeds: number): Promise<readonly string[]> {
  const hashes: string[] = []
  const { failure } = await explore({
    system: twoServices,
    invariants: [everyOrderIsShippedOnce],
    seeds,
    drain,
    onHistory: ({ traceHash }) => void hashes.push(traceHash),
  })
  if (failure !== undefined) throw new Error(`${failure.invariant}: ${failure.message} (${failure.history})`)
  return hashes
}

/** Its compiler has much to do at first: what is measured is an exploration under way. */
async function histories(drain: DrainKind, { quick }: Effort): Promise<() => Promise<number>> {
  await traces(drain, quick ? 100 : 2_000)
  return async () => {
    let ran = 0
    const ns = await cpuNsPerCall(
      async (seeds) => {
        ran = (await traces(drain, seeds)).length
      },
      quick ? 100 : 500,
    )
    // An exploration begins with a history without faults, run twice: those count too.
    return (1e9 / ns) * (ran / (quick ? 100 : 500))
  }
}

export const checkpointDrain: Contender = (effort) => histories('checkpoint', effort)
export const macrotaskDrain: Contender = (effort) => histories('macrotask', effort)

function equalPercent(some: readonly string[], others: readonly string[]): number {
  if (some.length !== others.length) throw new Error(`${some.length} histories against ${others.length}`)
  return (some.filter((hash, index) => hash === others[index]).length / some.length) * 100
}

export const historyMetrics: readonly Metric[] = [
  {
    name: 'histories-per-second',
    unit: 'histories per second of CPU time',
    better: 'higher',
    peer: 'the same with a turn of the event loop for each step',
    target: { oursMin: 500 },
    note: 'Two services with outbox, inbox and SQLite, four orders, up to four faults. CPU time of all threads, after a warm-up.',
    contenders: { ours: { module, name: 'checkpointDrain' }, peer: { module, name: 'macrotaskDrain' } },
  },
  {
    name: 'determinism',
    unit: 'percent of seeds whose trace hashes are equal',
    better: 'higher',
    peer: 'two runs with the same drain',
    target: { oursMin: 100 },
    note: `Both drains, ${SEEDS.toLocaleString('en')} seeds; the same ones in each round, so that a difference cannot hide in a median.`,
    async simulate(_seed, { quick }): Promise<Round> {
      const seeds = quick ? 50 : SEEDS
      const checkpoint = await traces('checkpoint', seeds)
      return {
        ours: equalPercent(checkpoint, await traces('macrotask', seeds)),
        peer: equalPercent(checkpoint, await traces('checkpoint', seeds)),
      }
    },
  },
]
