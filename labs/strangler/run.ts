import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { newId, systemClock } from 'seaworthy/core'
import { bigBang } from './big-bang.ts'
import { chart } from './chart.ts'
import { Extraction } from './extraction.ts'
import { brokenPromises, figuresOf } from './figures.ts'
import { PLANTED_FIELDS } from './planted-faults.ts'
import { bigBangWords, stranglingWords, table } from './report.ts'
import { Shop } from './shop.ts'
import { strangle, type StranglingOptions } from './strangling.ts'

export interface StranglerOptions {
  readonly users: number
  /** How long each of two faults is in front of everybody in the big bang. */
  readonly bigBangMs: number
  readonly dwellMs: number
  readonly comparedMin: StranglingOptions['comparedMin']
}

const WHOLE: StranglerOptions = { users: 12, bigBangMs: 3_000, dwellMs: 2_000, comparedMin: { careless: 100, mended: 200, catalog: 30 } }
const SEED = 1
/** The first of its kind that is among the first in a hundred to be moved, as one's own account would be. */
const CANARY = 'user-71'

export async function run({ outDir, print, seed = SEED }: LabRun, options: StranglerOptions = WHOLE): Promise<boolean> {
  const startedMs = systemClock.monotonicMs()
  const names = [CANARY, ...Array.from({ length: options.users - 1 }, (_, index) => `user-${index + 1}`)]
  const token = newId()
  const shop = new Shop({ dataDir: join(outDir, 'shop'), outDir, token })
  await using extraction = await Extraction.start({ shop, outDir, token })

  print(`1. The big bang. A new service for reviews has two bugs, ${PLANTED_FIELDS.join(' and ')}, and a slow release. Its data was copied at night, and in the
   morning every request about reviews goes there. ${names.length} users of the shop:`)
  const { monolithUrl } = extraction
  const bang = await bigBang({ outDir, token, monolithUrl, names, seed, eachMs: options.bigBangMs })
  print(bigBangWords(bang))

  print(`\n2. The same service, with the same faults, strangles the monolith under the same traffic:\n`)
  const beganMs = systemClock.now()
  const say = (what: string) => print(`   ${((systemClock.now() - beganMs) / 1_000).toFixed(1).padStart(5)} s   ${what}`)
  const strangled = await strangle({ ...options, shop, extraction, token, names, seed, say })
  const figures = figuresOf(strangled, bang)
  print(stranglingWords(strangled))

  const lines = (name: string, all: readonly object[]) =>
    writeFileSync(join(outDir, `${name}.jsonl`), all.map((each) => `${JSON.stringify(each)}\n`).join(''))
  lines('requests', strangled.bookings)
  lines('big-bang-requests', bang.bookings)
  lines('steps', strangled.steps)
  lines('ledger', strangled.ledger)
  writeFileSync(
    join(outDir, 'strangler.svg'),
    chart([
      { title: 'at once', bookings: bang.bookings, steps: [{ atMs: bang.slowFromMs, what: 'the slow release' }] },
      { title: 'step by step', ...strangled },
    ]),
  )
  writeFileSync(join(outDir, 'comparison-careless.txt'), strangled.careless.text)
  writeFileSync(join(outDir, 'comparison-mended.txt'), strangled.mended.text)
  writeFileSync(join(outDir, 'figures.json'), `${JSON.stringify({ ...figures, audit: strangled.audit }, null, 2)}\n`)
  const broken = brokenPromises(figures, strangled)
  for (const why of broken) print(`\n   ${why}`)
  print(`
${table(figures)}
   time                                   ${((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)} s
   evidence                               ${outDir}
   what is left of the shop               npm start -- --data-dir ${join(outDir, 'shop')}`)
  return broken.length === 0
}

const stranglerLab: Lab = {
  summary: 'the same faulty service at once, and step by step: shadowed, compared, shifted, rolled back; until there is no monolith',
  takes: ['seed'],
  run,
}

export default stranglerLab
