import type { Effort, Metric, Round, Series } from '../../../harness/suite.ts'
import { quartiles } from '../../../harness/statistics.ts'
import { askChild, forkTelling } from '../forked.ts'
import { startProxied } from '../proxied.ts'
import type { LoadAnswer, LoadQuestion } from './load-process.ts'

const ROUNDS = { quick: 2, full: 6 }
const SECONDS = { quick: 1, full: 4 }
const SATURATIONS = 3

/** Both proxies at the same rate, in turn: a share of what nginx can do here at most, as a closed loop of the same generator finds. */
const latencyAt =
  (share: number): Series =>
  async ({ quick }: Effort) => {
    await using resources = new AsyncDisposableStack()
    const start = async (name: string) => {
      const proxied = await startProxied(name)
      resources.defer(() => proxied.stop())
      return proxied.port
    }
    const [ours, peer] = [await start('seaworthy'), await start('nginx')]
    const { child } = await forkTelling(new URL('load-process.ts', import.meta.url), [], ['--max-semi-space-size=64'])
    resources.defer(() => void child.kill('SIGKILL'))
    const ask = async (question: LoadQuestion): Promise<number> => {
      const answer = await askChild<LoadAnswer>(child, question)
      if ('failure' in answer) throw new Error(answer.failure)
      return answer.figure
    }
    const requests = quick ? 3_000 : 30_000
    for (const port of [ours, peer]) await ask({ saturate: { port, requests } })
    const found: number[] = []
    for (let index = 0; index < SATURATIONS; index++) found.push(await ask({ saturate: { port: peer, requests } }))
    const saturation = quartiles(found).median
    const capacity = await ask({ saturate: { port: ours, requests } })

    const seconds = quick ? SECONDS.quick : SECONDS.full
    const p99 = (port: number, seed: number) => ask({ open: { port, perSecond: saturation * share, seconds, seed } })
    const rounds: Round[] = []
    for (let round = 0; round < (quick ? ROUNDS.quick : ROUNDS.full); round++) {
      // The same arrivals for both.
      const theirsFirst = round % 2 === 1 ? await p99(peer, round) : undefined
      const mine = await p99(ours, round)
      rounds.push({ ours: mine, peer: theirsFirst ?? (await p99(peer, round)) })
    }
    return {
      rounds,
      remark: `${number.format(saturation * share)} requests a second; saturated, nginx made ${number.format(saturation)} and ours ${number.format(capacity)}.`,
    }
  }

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

const metric = (percent: number, ratioMax: number): Metric => ({
  name: `p99-${percent}`,
  unit: 'ms until a client has its answer, 99th percentile',
  better: 'lower',
  peer: `nginx, at ${percent} % of its saturation`,
  target: { ratioMax },
  note: 'GET of 300 B, one process of each proxy, arrivals of a Poisson process, counted from when each was due. Load, proxy and upstream share the machine.',
  series: latencyAt(percent / 100),
})

export const latencyMetrics: readonly Metric[] = [metric(30, 2), metric(70, 3)]
