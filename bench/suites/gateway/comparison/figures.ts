import type { Effort, Metric, Round } from '../../../harness/suite.ts'
import { compareByIgnoring } from './by-ignoring.ts'
import { NOISE_SOURCES } from './noise-sources.ts'
import { FIRST_REGRESSIONS, LATER_REGRESSIONS, type Regression } from './regressions.ts'
import { runTrial, sidesOf, type Trial } from './trial.ts'

const REGRESSIONS: readonly Regression[] = [...FIRST_REGRESSIONS, ...LATER_REGRESSIONS]

const isAt = (field: string, expected: string | RegExp): boolean =>
  typeof expected === 'string' ? field === expected : expected.test(field)

/** As the plain comparison has no names for elements and orders, any difference at, in or around the field counts for it. */
const isAround = (field: string, expected: string | RegExp): boolean => {
  if (typeof expected !== 'string') return expected.test(field)
  const bare = expected
    .replace(/\[\]$/, '')
    .replace(/^bytes\.\w+$/, 'bytes')
    .replace(/^(header\.set-cookie).*/, '$1')
  return field.startsWith(bare) || bare.startsWith(field)
}

/** The regressions that were found, in percent: at their own field, beside all noise of their endpoint. */
async function recall(seed: number, { quick }: Effort): Promise<Round> {
  const regressions = quick ? REGRESSIONS.filter((_, index) => index % 5 === 0) : REGRESSIONS
  let ours = 0
  let peer = 0
  for (const { endpoint, field, change } of regressions) {
    const trial: Trial = { endpoint, seed, requests: 80, regression: change }
    const { report } = await runTrial(trial)
    if (report.endpoints.some(({ differences }) => differences.some((found) => isAt(found.field, field)))) ours++
    const { fields } = await compareByIgnoring(sidesOf(trial), trial.requests)
    if ([...fields].some((found) => isAround(found, field))) peer++
  }
  return { ours: (ours / regressions.length) * 100, peer: (peer / regressions.length) * 100 }
}

/** The answers that were called different though both sides were right, in percent. */
async function falseAlarms(seed: number, { quick }: Effort): Promise<Round> {
  const sources = quick ? NOISE_SOURCES.filter((_, index) => index % 5 === 0) : NOISE_SOURCES
  const ours = { alarms: 0, compared: 0 }
  const peer = { alarms: 0, compared: 0 }
  for (const { endpoint, change } of sources) {
    const trial: Trial = { endpoint, seed, requests: 120, noise: [change] }
    const { verdicts } = await runTrial(trial)
    ours.alarms += verdicts.filter((verdict) => verdict === 'differs').length
    ours.compared += verdicts.filter((verdict) => verdict !== 'learning').length
    const { alarms, compared } = await compareByIgnoring(sidesOf(trial), trial.requests)
    peer.alarms += alarms
    peer.compared += compared
  }
  return { ours: (ours.alarms / ours.compared) * 100, peer: (peer.alarms / peer.compared) * 100 }
}

const PEER = 'ignoring every field that the monolith ever answered in two ways'

export const comparisonMetrics: readonly Metric[] = [
  {
    name: 'compare-recall',
    unit: 'percent of planted regressions found',
    better: 'higher',
    peer: PEER,
    target: { oursMin: 98 },
    note: `${REGRESSIONS.length} regressions, ${LATER_REGRESSIONS.length} of them written when the comparison was done; each beside all noise of its endpoint, found at its own field within 80 requests. For the peer a difference around the field counts.`,
    simulate: recall,
  },
  {
    name: 'compare-false-alarms',
    unit: 'percent of right answers called different',
    better: 'lower',
    peer: PEER,
    target: { oursMax: 1 },
    note: `${NOISE_SOURCES.length} noise sources, each 120 requests, those from which is learned included.`,
    simulate: falseAlarms,
  },
]
