import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type VerdictSpan, sentence, traceVerdict } from 'seaworthy/trace-analysis'
import { Checkout } from '../../../labs/slow-checkout/checkout.ts'
import { type Judged, judge } from '../../../labs/slow-checkout/judge.ts'
import { CASES } from '../../../labs/slow-checkout/plants.ts'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Effort, Metric } from '../../harness/suite.ts'

const RUNS = { quick: 1, full: 20 }
const SPANS = 50_000

let played: Promise<readonly Judged[]> | undefined

/** Every case on PostgreSQL, and those that need no server on SQLite, as often as the effort says. One run for all metrics. */
function verdicts(effort: Effort): Promise<readonly Judged[]> {
  return (played ??= play(effort))
}

async function play({ quick }: Effort): Promise<readonly Judged[]> {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-verdicts-'))
  const server = await startPostgres({ settings: { deadlock_timeout: '100ms' } })
  const all: Judged[] = []
  try {
    for (const engine of ['postgres', 'sqlite'] as const)
      all.push(...(await playOn(engine, { server, outDir, runs: quick ? RUNS.quick : RUNS.full })))
  } finally {
    await server.stop()
    rmSync(outDir, { recursive: true })
  }
  return all
}

async function playOn(
  engine: 'postgres' | 'sqlite',
  { server, outDir, runs }: { readonly server: PostgresServer; readonly outDir: string; readonly runs: number },
): Promise<readonly Judged[]> {
  const postgresUrl = engine === 'postgres' ? (await server.createDatabase()).url : undefined
  await using checkout = await Checkout.start({ outDir, postgresUrl })
  const all: Judged[] = []
  for (let run = 0; run < runs; run++) {
    for (const each of CASES.filter((one) => checkout.canPlant(one))) {
      const outcome = await checkout.play(each)
      const judged = judge(outcome)
      all.push(judged)
      for (const { plant, plantedMs, foundMs, isRight, isWithinTenth } of judged.plants) {
        if (!isRight || !isWithinTenth)
          console.error(
            `${engine}, ${each.name}: ${plant.kind} of ${plantedMs.toFixed(0)} ms, ${foundMs.toFixed(0)} found. ${outcome.verdict.sentence}`,
          )
      }
    }
  }
  return all
}

async function plants(effort: Effort, which: 'isRight' | 'isWithinTenth'): Promise<{ readonly ours: number; readonly peer: number }> {
  const all = (await verdicts(effort)).flatMap((judged) => judged.plants)
  return { ours: all.filter((plant) => plant[which]).length, peer: all.length }
}

/** A trace in which everybody calls four others, and knows what it did meanwhile. */
function largeTrace(): readonly VerdictSpan[] {
  const kinds = ['client', 'server', 'internal', 'client'] as const
  const spans: VerdictSpan[] = []
  for (let index = 0; index < SPANS; index++) {
    const parent = index === 0 ? undefined : spans[Math.floor((index - 1) / 4)]
    const widthUs = parent === undefined ? SPANS * 100 : (parent.endUs - parent.startUs) / 4
    const startUs = parent === undefined ? 0 : parent.startUs + ((index - 1) % 4) * widthUs
    spans.push({
      spanId: `${index}`,
      parentSpanId: parent?.spanId,
      name: `operation ${index % 20}`,
      kind: kinds[index % 4]!,
      service: `service ${index % 12}`,
      startUs,
      endUs: startUs + widthUs * 0.99,
      attributes: [
        ...Array.from({ length: 12 }, (_, attribute) => ({ key: `attribute.${attribute}`, value: 'x' })),
        { key: 'seaworthy.time.cpu_ms', value: '1' },
      ],
    })
  }
  return spans
}

export const verdictMetrics: readonly Metric[] = [
  {
    name: 'verdict',
    unit: 'planted causes that the console names: the right cause, service and holder, first or of a pair among the first two',
    better: 'higher',
    peer: 'planted causes',
    target: { ratioMin: 0.95 },
    note: 'The lab slow-checkout: ten causes and three pairs over six processes on PostgreSQL, and those that need no server on SQLite.',
    count: (effort) => plants(effort, 'isRight'),
  },
  {
    name: 'verdict-parts',
    unit: 'planted causes whose milliseconds are found within a tenth',
    better: 'higher',
    peer: 'planted causes',
    target: { ratioMin: 1 },
    note: 'What was planted is measured by whoever planted it. On a busy machine the way of an answer through a starved process counts as network, and that of its timers as code.',
    count: (effort) => plants(effort, 'isWithinTenth'),
  },
  {
    name: 'verdict-unexplained-max',
    unit: 'share of a trace that is called unexplained, at most',
    better: 'lower',
    peer: 'the whole trace',
    target: { oursMax: 0.1 },
    count: async (effort) => ({ ours: Math.max(...(await verdicts(effort)).map(({ unexplainedRatio }) => unexplainedRatio)), peer: 1 }),
  },
  {
    name: 'verdict-sums',
    unit: 'traces whose parts sum to them',
    better: 'higher',
    peer: 'traces',
    target: { ratioMin: 1 },
    count: async (effort) => {
      const all = await verdicts(effort)
      return { ours: all.filter(({ sums }) => sums).length, peer: all.length }
    },
  },
  {
    name: 'analyse-50000-s',
    unit: 'seconds until the sentence on a trace of 50,000 spans, and the parts of every span',
    better: 'lower',
    peer: 'a second',
    target: { oursMax: 1 },
    count: async () => {
      const spans = largeTrace()
      let best = Number.POSITIVE_INFINITY
      for (let round = 0; round < 5; round++) {
        const beganMs = performance.now()
        const verdict = traceVerdict(spans)!
        sentence(verdict.answer)
        verdict.partsOf('0')
        best = Math.min(best, performance.now() - beganMs)
      }
      return { ours: best / 1_000, peer: 1 }
    },
  },
]
