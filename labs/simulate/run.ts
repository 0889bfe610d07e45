import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { type ExplorationResult, explore, historyAsHtml, historyAsText } from '@seaworthy/simulation'
import { dualWrite, everyOrderIsShippedOnce, shop, withOutbox } from './shop.ts'

const PROGRESS_EVERY = 1_000
const SEEDS = 5_000

/** @param seeds random histories of the cured service */
export async function run({ outDir, print }: LabRun, seeds: number): Promise<boolean> {
  print('1. A service stores an order, and then tells of it (labs/simulate/shop.ts, dualWrite). Crashed at each point in turn:\n')
  const broken = await explore({ system: shop(dualWrite, 1), invariants: [everyOrderIsShippedOnce], exhaustive: 1, faults: ['crash'] })
  const { failure } = broken
  if (failure === undefined) {
    print(`   It survived ${broken.runs} histories. It should not have.`)
    return false
  }
  print(indented(historyAsText(failure)))
  writeFileSync(join(outDir, 'dual-write.html'), historyAsHtml(failure))
  writeFileSync(join(outDir, 'dual-write.jsonl'), failure.entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))

  print(`\n2. The same service with an outbox (withOutbox): each point with each fault, then ${seeds} random histories:\n`)
  const before = process.cpuUsage()
  const cured = await cure({ outDir, print }, seeds)
  const { user, system } = process.cpuUsage(before)
  if (cured.failure !== undefined) {
    print(indented(historyAsText(cured.failure)))
    writeFileSync(join(outDir, 'outbox.html'), historyAsHtml(cured.failure))
  }
  const struck = Object.values(cured.struck).reduce((sum, count) => sum + count, 0)
  print(`
   dual write   fails in history ${failure.runs} of ${broken.runs}, by ${failure.faults.length} fault
   outbox       ${cured.failure === undefined ? `0 of ${cured.runs}` : `1 of ${cured.runs}`} histories fail; ${struck} faults struck, of ${Object.keys(cured.struck).length} kinds
   time         ${(cured.elapsedMs / 1_000).toFixed(1)} s; ${Math.round(cured.runs / ((user + system) / 1_000_000))} histories in a second of processor time
   evidence     ${outDir}`)
  return cured.failure === undefined && cured.runs > seeds && struck > 0 && failure.faults.length === 1
}

function cure({ outDir, print }: LabRun, seeds: number): Promise<ExplorationResult> {
  const evidence = join(outDir, 'outbox.jsonl')
  writeFileSync(evidence, '')
  let runs = 0
  let lines: string[] = []
  const flush = () => {
    appendFileSync(evidence, lines.join(''))
    lines = []
  }
  return explore({
    system: shop(withOutbox, 2),
    invariants: [everyOrderIsShippedOnce],
    exhaustive: 1,
    seeds,
    onHistory: ({ seed, struck, traceHash, violation, entries }) => {
      const line = { seed, faults: struck, traceHash, entries: entries.length, violation: violation?.message ?? null }
      lines.push(`${JSON.stringify(line)}\n`)
      if (++runs % PROGRESS_EVERY !== 0) return
      print(`   ${runs} histories …`)
      flush()
    },
  }).finally(flush)
}

const indented = (text: string) =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : `   ${line}`))
    .join('\n')

const simulateLab: Lab = {
  summary: 'a service that writes to two places fails at once; with the outbox it survives 5,000 histories',
  run: (options) => run(options, SEEDS),
}

export default simulateLab
