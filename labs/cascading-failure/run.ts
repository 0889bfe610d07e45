import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { sleep, systemClock } from 'seaworthy/core'
import { chart } from './chart.ts'
import { arrivals, visit, type Visit, warmUp } from './customers.ts'
import { type Figures, figuresOf, type Observed, verdict } from './figures.ts'
import { type Sample, Shop } from './shop.ts'
import { ARRIVALS_PER_SECOND, INVENTORY, type Stage, STAGES, type Timeline, TIMELINE } from './stages.ts'

const SEED = 1
/** How long a product page may take before the machine counts as busy, and how much slower than announced the lab goes at most. */
const PAGE_MS = 20
const PACE_MAX = 4

export interface CascadeOptions {
  readonly timeline: Timeline
  readonly stages: readonly Stage[]
}

/** @returns what was seen in each stage */
export async function observe({ outDir, print }: LabRun, { stages, timeline }: CascadeOptions): Promise<readonly Observed[]> {
  const all: Observed[] = []
  await using shop = new Shop(join(outDir, 'processes.log'))
  const pace = await paceOf(shop, stages[0]!)
  if (pace > 1)
    print(`This machine is busy: everything goes ${pace.toFixed(1)} times slower than announced. The figures are in announced time.\n`)
  for (const [index, stage] of stages.entries()) {
    print(`${index + 1}. ${stage.title}`)
    const seen = await observeStage(shop, stage, { timeline, pace, outDir })
    all.push(seen)
    for (const death of seen.deaths) print(`   ${death.service} died after ${seconds(death.atMs)} (${death.how})`)
  }
  return all
}

/** As slow as it takes for a page without policies to need a small part of a time-out. A machine with nothing else to do has pace 1. */
async function paceOf(shop: Shop, stage: Stage): Promise<number> {
  await shop.begin(stage, 1, { onSample: () => {}, onDeath: () => {} })
  return Math.min(PACE_MAX, Math.max(1, (await warmUp(shop.url!)) / PAGE_MS))
}

async function observeStage(
  shop: Shop,
  stage: Stage,
  { timeline, pace, outDir }: { readonly timeline: Timeline; readonly pace: number; readonly outDir: string },
): Promise<Observed> {
  const samples: Sample[] = []
  const visits: Visit[] = []
  const deaths: Observed['deaths'][number][] = []
  const log = (kind: string, entry: object) =>
    appendFileSync(join(outDir, `${kind}.jsonl`), `${JSON.stringify({ stage: stage.name, ...entry })}\n`)
  let beganMs = Number.POSITIVE_INFINITY
  const now = () => (systemClock.now() - beganMs) / pace
  await shop.begin(stage, pace, {
    onSample: (sample) => void samples.push({ ...sample, atMs: (sample.atMs - beganMs) / pace }),
    onDeath: (service, how) => {
      const death = { service, atMs: now(), how }
      deaths.push(death)
      log('events', { event: 'died', ...death })
    },
  })
  await warmUp(shop.url!)
  beganMs = systemClock.now()
  const customers = visit(shop.url!, arrivals(SEED, timeline.endMs), pace, (each) => void visits.push(each))
  const inventoryIs = async (atMs: number, event: string, holdMs: number) => {
    await sleep(systemClock, (atMs - now()) * pace)
    shop.holdInventory(holdMs * pace)
    log('events', { event, atMs: now() })
  }
  await inventoryIs(timeline.slowFromMs, 'inventory turns slow', INVENTORY.slowMs)
  await inventoryIs(timeline.slowUntilMs, 'inventory is well', INVENTORY.wellMs)
  await customers
  await sleep(systemClock, (timeline.endMs - now()) * pace)
  const during = samples.filter(({ atMs }) => Number.isFinite(atMs))
  for (const sample of during) log('samples', sample)
  for (const each of visits) log('requests', each)
  // Those who are still waiting when time is up are waited for; what happens meanwhile is not of this stage.
  return { stage, timeline, visits, samples: during, deaths: deaths.filter(({ atMs }) => atMs <= timeline.endMs) }
}

/** @returns whether everything came about that the README promises */
export async function run(lab: LabRun, options: CascadeOptions): Promise<boolean> {
  const { outDir, print } = lab
  for (const kind of ['events', 'samples', 'requests']) writeFileSync(join(outDir, `${kind}.jsonl`), '')
  print(
    `A shop of five processes. ${ARRIVALS_PER_SECOND.checkout} checkouts a second need orders, inventory and payments, ${ARRIVALS_PER_SECOND.product} product pages need reviews alone. ` +
      `Inventory is slow from ${seconds(options.timeline.slowFromMs)} to ${seconds(options.timeline.slowUntilMs)}.\n`,
  )
  const seen = await observe(lab, options)
  writeFileSync(join(outDir, 'cascading-failure.svg'), chart(seen))
  const figures = seen.map(figuresOf)
  writeFileSync(join(outDir, 'figures.jsonl'), figures.map((each) => `${JSON.stringify(each)}\n`).join(''))
  const promised = verdict(figures)
  print(`\n${promised.map(({ what, holds }) => `   ${holds ? 'yes' : 'NO '}  ${what}`).join('\n')}`)
  print(`\nWhile inventory was slow:\n${table(figures)}\n\n   chart and evidence   ${outDir}`)
  return promised.every(({ holds }) => holds)
}

function table(all: readonly Figures[]): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`
  const rows = all.map(({ stage, diedAtMs, inFlight, inTime, checkoutMs, callsPerCheckout }) => [
    stage.name,
    diedAtMs === undefined ? 'lives' : `dies at ${seconds(diedAtMs)}`,
    `${inFlight.mean.toFixed(1)}, ${inFlight.max}`,
    percent(inTime.product.slow),
    percent(inTime.checkout.slow),
    percent(inTime.checkout.last),
    `${Math.round(checkoutMs.p50)}, ${Math.round(checkoutMs.p99)} ms`,
    callsPerCheckout.toFixed(2),
  ])
  const head = [
    '',
    'storefront',
    'in flight (mean, max)',
    'products in time',
    'checkouts in time',
    'well again',
    'checkout p50, p99',
    'inventory calls/checkout',
  ]
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)))
  return [head, ...rows].map((row) => `   ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd()).join('\n')
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

const cascadingFailureLab: Lab = {
  summary: 'one slow service kills the shop; timeouts, bulkheads, breakers and budgets, one after the other, save it',
  run: (lab) => run(lab, { stages: STAGES, timeline: TIMELINE }),
}

export default cascadingFailureLab
