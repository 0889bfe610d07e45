import { startContender } from './contender-process.ts'
import { isReached } from './statistics.ts'
import type { Contenders, Effort, Metric, MetricResult, Round, Series, Simulation, Suite, SuiteResult } from './suite.ts'

const ROUNDS = { quick: 2, full: 15 }
const SEEDS = { quick: 1, full: 5 }

/** Measures every metric of a suite, one after the other. One that is broken has its failure as its result, and the others are measured. */
export async function runSuite(suite: Suite, effort: Effort, onResult: (result: MetricResult) => void): Promise<SuiteResult> {
  const metrics: MetricResult[] = []
  for (const metric of suite.metrics) {
    const result = await measured(metric, effort)
    metrics.push(result)
    onResult(result)
  }
  return { suite: suite.name, node: process.version, metrics }
}

async function measured(metric: Metric, effort: Effort): Promise<MetricResult> {
  const { name, unit, better, peer, target, note } = metric
  const described = { name, unit, better, peer, target, ...(note !== undefined && { note }) }
  const missing = await metric.missing?.()
  if (missing !== undefined) return { ...described, rounds: [], ok: false, missing }
  try {
    const { rounds, remark } = await roundsOf(metric, effort)
    refuseBroken(metric, rounds)
    const notes = [note, remark].filter((each) => each !== undefined).join(' ')
    return { ...described, ...(notes !== '' && { note: notes }), rounds, ok: isReached(target, rounds) }
  } catch (error) {
    return { ...described, rounds: [], ok: false, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function refuseBroken({ name, peer }: Metric, rounds: readonly Round[]): void {
  const broken = rounds.find(({ ours, peer }) => !Number.isFinite(ours) || !Number.isFinite(peer))
  if (broken !== undefined) throw new Error(`${name} measured ${broken.ours} for ours and ${broken.peer} for ${peer}`)
  if (rounds.length === 0) throw new Error(`${name} measured nothing`)
}

function roundsOf(metric: Metric, effort: Effort): ReturnType<Series> {
  if ('series' in metric) return metric.series(effort)
  return plainRoundsOf(metric, effort).then((rounds) => ({ rounds }))
}

async function plainRoundsOf(metric: Exclude<Metric, { series: Series }>, effort: Effort): Promise<readonly Round[]> {
  if ('simulate' in metric) return simulated(metric.simulate, effort)
  if ('count' in metric) return [await metric.count(effort)]
  return interleaved(metric.contenders, effort, effort.quick ? ROUNDS.quick : (metric.rounds ?? ROUNDS.full))
}

/** Alternates between the two, and between who goes first, so that a slow moment of the machine favours nobody. */
async function interleaved({ ours, peer }: Contenders, effort: Effort, times: number): Promise<Round[]> {
  const started = await Promise.allSettled([startContender(ours, effort), startContender(peer, effort)])
  await using processes = new AsyncDisposableStack()
  const [our, their] = started.map((start) => (start.status === 'fulfilled' ? processes.use(start.value) : undefined))
  for (const start of started) if (start.status === 'rejected') throw start.reason
  if (our === undefined || their === undefined) throw new Error('A contender is missing.')
  await our.measure()
  await their.measure()
  const rounds: Round[] = []
  for (let round = 0; round < times; round++) {
    if (round % 2 === 0) rounds.push({ ours: await our.measure(), peer: await their.measure() })
    else {
      const theirs = await their.measure()
      rounds.push({ ours: await our.measure(), peer: theirs })
    }
  }
  return rounds
}

async function simulated(simulate: Simulation, effort: Effort): Promise<Round[]> {
  const rounds: Round[] = []
  for (let seed = 1; seed <= (effort.quick ? SEEDS.quick : SEEDS.full); seed++) rounds.push(await simulate(seed, effort))
  return rounds
}
