import type { Effort, Metric, Round, Series } from '../../../harness/suite.ts'
import { quartiles } from '../../../harness/statistics.ts'
import { askChild, forkTelling } from '../forked.ts'
import { cpuNsOf } from '../process-tree.ts'
import { type Proxied, startProxied } from '../proxied.ts'
import type { Latency, LoadAnswer, LoadQuestion, Saturation } from './load-process.ts'
import { keepTo, type Processors, processors } from './processors.ts'

const ROUNDS = { quick: 2, full: 6 }
const SECONDS = { quick: 1, full: 4 }
const WARM_UP_SECONDS = { quick: 0.2, full: 1 }
const SATURATIONS = 3

interface Arrangement {
  /** Of nginx's saturation. */
  readonly share: number
  /** Where the proxy in turn has a processor of its own, and everything else the others. Undefined: all share all. */
  readonly processors: Processors | undefined
}

/** Both proxies at the same rate, in turn: a share of what nginx can do here at most, as a closed loop of the same generator finds. */
const latencyAt =
  ({ share, processors }: Arrangement): Series =>
  async ({ quick }: Effort) => {
    await using resources = new AsyncDisposableStack()
    const start = async (name: string): Promise<Proxied> => {
      const proxied = await startProxied(name)
      resources.defer(() => proxied.stop())
      if (processors !== undefined) {
        keepTo(processors.proxy, proxied.pid)
        keepTo(processors.others, proxied.originPid)
      }
      return proxied
    }
    const [ours, peer] = [await start('seaworthy'), await start('nginx')]
    const { child } = await forkTelling(
      new URL('load-process.ts', import.meta.url),
      [],
      ['--min-semi-space-size=64', '--max-semi-space-size=64'],
    )
    resources.defer(() => void child.kill('SIGKILL'))
    if (processors !== undefined) keepTo(processors.others, child.pid!)
    const ask = async <Answer extends LoadAnswer>(question: LoadQuestion): Promise<Answer> => {
      const answer = await askChild<Answer | { readonly failure: string }>(child, question)
      if ('failure' in answer) throw new Error(answer.failure)
      return answer
    }
    const requests = quick ? 3_000 : 30_000
    const saturate = async ({ port, pid }: Proxied) => {
      const [startedMs, before] = [performance.now(), cpuNsOf(pid)]
      const { perSecond } = await ask<Saturation>({ saturate: { port, requests } })
      return { perSecond, coresBusy: (cpuNsOf(pid) - before) / 1e6 / (performance.now() - startedMs) }
    }
    for (const proxied of [ours, peer]) await saturate(proxied)
    const found: Awaited<ReturnType<typeof saturate>>[] = []
    for (let index = 0; index < SATURATIONS; index++) found.push(await saturate(peer))
    const saturation = quartiles(found.map(({ perSecond }) => perSecond)).median
    const busy = quartiles(found.map(({ coresBusy }) => coresBusy)).median
    const capacity = (await saturate(ours)).perSecond

    const seconds = quick ? SECONDS.quick : SECONDS.full
    const warmUpSeconds = quick ? WARM_UP_SECONDS.quick : WARM_UP_SECONDS.full
    const late: Round[] = []
    const rounds: Round[] = []
    for (let round = 0; round < (quick ? ROUNDS.quick : ROUNDS.full); round++) {
      // The same arrivals for both.
      const load = { perSecond: saturation * share, warmUpSeconds, seconds, seed: round }
      const latency = ({ port }: Proxied) => ask<Latency>({ open: { port, ...load } })
      const theirsFirst = round % 2 === 1 ? await latency(peer) : undefined
      const mine = await latency(ours)
      const theirs = theirsFirst ?? (await latency(peer))
      rounds.push({ ours: mine.waitedMs, peer: theirs.waitedMs })
      late.push({ ours: mine.lateMs, peer: theirs.lateMs })
    }
    const lateness = (side: keyof Round) => `${quartiles(late.map((round) => round[side])).median.toFixed(2)} ms`
    return {
      rounds,
      remark:
        `${number.format(saturation * share)} requests a second; saturated, nginx made ${number.format(saturation)}, with ${busy.toFixed(2)} of a core, and ours ${number.format(capacity)}. ` +
        `Of the waits, the generator was itself late with 1 in 100 by ${lateness('ours')} before ours and ${lateness('peer')} before nginx.`,
    }
  }

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

const metric = (percent: number, ratioMax: number): Metric => ({
  name: `p99-${percent}`,
  unit: 'ms until a client has its answer, 99th percentile',
  better: 'lower',
  peer: `nginx, at ${percent} % of its saturation`,
  target: { ratioMax },
  note: 'GET of 300 B, one process of each proxy, 64 kept connections, arrivals of a Poisson process, counted from when each was due. Load, proxy and upstream share the machine.',
  series: latencyAt({ share: percent / 100, processors: undefined }),
})

/** The same, and what is measured is the proxy rather than who gets the processor next. */
const ownCoreMetric = (percent: number, ratioMax: number): Metric => ({
  ...metric(percent, ratioMax),
  name: `p99-${percent}-own-core`,
  note: 'The same, but the proxy has a core of its own, and load and upstream have the others.',
  missing: async () => (processors() === undefined ? 'It takes a machine with two processors or more.' : undefined),
  series: (effort) => latencyAt({ share: percent / 100, processors: processors() })(effort),
})

export const latencyMetrics: readonly Metric[] = [metric(30, 2), metric(70, 3), ownCoreMetric(30, 2), ownCoreMetric(70, 3)]
