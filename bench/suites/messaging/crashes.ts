import type { Effort, Metric } from '../../harness/suite.ts'
import { type CrashOutcome, crashRun } from './crashes/run.ts'

const runs = new Map<boolean, Promise<CrashOutcome>>()

/** One run for all of these metrics. */
function outcome({ quick }: Effort): Promise<CrashOutcome> {
  const run = runs.get(quick) ?? crashRun({ messages: quick ? 20_000 : 1_000_000, seed: 1 })
  runs.set(quick, run)
  return run
}

const counted = (figure: 'lost' | 'regressed' | 'sentAgain') => async (effort: Effort) => ({
  ours: (await outcome(effort))[figure],
  peer: 0,
})

const described = { better: 'lower', peer: 'none' } as const
const RUN = '8 writers and 4 relays, each a process, one of them killed (SIGKILL) every 2 s; a million messages of 2,000 keys.'

export const crashMetrics: readonly Metric[] = [
  {
    name: 'lost',
    ...described,
    unit: 'messages of committed transactions without an effect',
    target: { oursMax: 0 },
    note: RUN,
    count: counted('lost'),
  },
  {
    name: 'regressed',
    ...described,
    unit: 'effects with a number at or below the last of their key',
    target: { oursMax: 0 },
    note: RUN,
    count: counted('regressed'),
  },
  {
    name: 'sent-again',
    ...described,
    unit: 'messages that came more than once, and were dropped by the inbox',
    target: { oursMin: 1 },
    note: `${RUN} None would mean that no kill struck a batch on its way.`,
    count: counted('sentAgain'),
  },
]
