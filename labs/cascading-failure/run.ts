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

export interface CascadeOptions {
  readonly timeline: Timeline
  readonly stages: readonly Stage[]
}

/** @returns what was seen in each stage */
export async function observe({ outDir, print }: LabRun, { stages, timeline }: CascadeOptions): Promise<readonly Observed[]> {
  const all: Observed[] = []
  await using shop = new Shop(join(outDir, 'processes.log'))
  for (const [index, stage] of stages.entries()) {
    print(`${index + 1}. ${stage.title}`)
    const seen = await observeStage(shop, stage, timeline, outDir)
    all.push(seen)
    for (const death of seen.deaths) print(`   ${death.service} died after ${seconds(death.atMs)} (${death.how})`)
  }
  return all
}

async function observeStage(shop: Shop, stage: Stage, timeline: Timeline, outDir: string): Promise<Observed> {
  const samples: Sample[] = []
  const visits: Visit[] = []
  const deaths: Observed['deaths'][number][] = []
  const log = (kind: string, entry: object) =>
    appendFileSync(join(outDir, `${kind}.jsonl`), `${JSON.stringify({ stage: stage.name, ...entry })}\n`)
  let beganMs = Number.POSITIVE_INFINITY
  const now = () => systemClock.now() - beganMs
  await shop.begin(stage, {
    onSample: (sample) => void samples.push({ ...sample, atMs: sample.atMs - beganMs }),
    onDeath: (service, how) => {
      const death = { service, atMs: now(), how }
      deaths.push(death)
      log('events', { event: 'died', ...death })
    },
  })
  await warmUp(shop.url!)
  beganMs = systemClock.now()
  const customers = visit(shop.url!, arrivals(SEED, timeline.endMs), (each) => void visits.push(each))
  const inventoryIs = async (atMs: number, event: string, holdMs: number) => {
    await sleep(systemClock, atMs - now())
    shop.holdInventory(holdMs)
    log('events', { event, atMs: now() })
  }
  await inventoryIs(timeline.slowFromMs, 'inventory turns slow', INVENTORY.slowMs)
  await inventoryIs(timeline.slowUntilMs, 'inventory is well', INVENTORY.wellMs)
  await customers
  await sleep(systemClock, timeline.endMs - now())
  const during = samples.filter(({ atMs }) => Number.isFinite(atMs))
  for (const sample of during) log('samples', sample)
  for (const each of visits) log('requests', each)
  return { stage, timeline, visits, samples: during, deaths }
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
