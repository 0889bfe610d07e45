import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { TimeoutError, seededRandom, systemClock } from 'seaworthy/core'
import { type Figures, brokenPromises, figuresOf } from './figures.ts'
import { type History, type Way, makeHistory, writeEvidence } from './history.ts'
import { timelinePage } from './timeline.ts'

const ORDERS = 300
const SEED = 1
// Two histories take well under a minute each; what takes much longer hangs.
const HISTORY_TIMEOUT_MS = 180_000

interface Told {
  readonly history: History
  readonly figures: Figures
}

export async function run(options: LabRun): Promise<boolean> {
  const { outDir, print } = options
  const startedMs = systemClock.monotonicMs()
  print(`1. Two writes. A service stores an order, and then appends an event to the log. ${options.orders ?? ORDERS} orders are asked for, four at a time, while the
   service and its consumer are killed by SIGKILL at random moments (seed ${options.seed ?? SEED}) and start again.`)
  const naive = await make('naive', options)
  print(naiveWords(naive))
  print(`
2. The same orders under the same fire, with a transactional outbox. Its five steps, and what each did here:`)
  const outbox = await make('outbox', options)
  print(outboxWords(outbox))
  const page = join(outDir, 'timeline.html')
  writeFileSync(page, timelinePage([naive, outbox]))
  const broken = brokenPromises({ naive: naive.figures, outbox: outbox.figures })
  for (const why of broken) print(`\n   ${why}`)
  print(`
${table([naive, outbox])}
   time                                   ${((systemClock.monotonicMs() - startedMs) / 1_000).toFixed(1)} s
   evidence                               ${outDir} (open timeline.html)
   in the console                         npx seaworthy start labs/dual-write/system.ts --data-dir ${join(outDir, 'outbox')}`)
  return broken.length === 0
}

async function make(way: Way, { outDir, seed = SEED, orders = ORDERS }: LabRun): Promise<Told> {
  const tooLate = new AbortController()
  const late = new TimeoutError(`The history of ${way} was not over after ${HISTORY_TIMEOUT_MS} ms.`, HISTORY_TIMEOUT_MS)
  const timer = systemClock.timer(HISTORY_TIMEOUT_MS, () => tooLate.abort(late))
  const folder = join(outDir, way)
  const cacheDir = join(outDir, 'compile-cache')
  mkdirSync(cacheDir, { recursive: true })
  try {
    // The same seed for both: the same draws, and so the same orders and kills as far as the operating system lets them be.
    const history = await makeHistory({ way, folder, orders, random: seededRandom(seed), cacheDir, signal: tooLate.signal })
    writeEvidence(history, folder)
    return { history, figures: figuresOf(history) }
  } finally {
    timer.cancel()
  }
}

function naiveWords({ history, figures }: Told): string {
  const [first] = figures.lost
  const example = history.asked.find(({ orderId }) => orderId === first)
  const told = example?.outcome === 'taken' ? 'Its customer was told that it was taken.' : 'Its customer got no answer.'
  return `
   ${figures.stored} orders were stored. ${figures.kills.orders} kills, ${figures.killsInWindow} of them between the two writes: ${figures.lost.length} orders are in the database, and no event
   tells of them.${first === undefined ? '' : ` Take ${first}: stored, never published, never shipped. ${told}`} Nothing will ever repair that: the service
   that could have published died, and the next one does not know.`
}

function outboxWords({ figures }: Told): string {
  const { 'with-inbox': cured, 'without-inbox': plain } = figures.consumers
  return `
   (1) State and event are written in one transaction: ${figures.stored} orders, each with its event, or neither.
   (2) A relay reads what is committed: ${figures.killsInWindow} of ${figures.kills.orders} kills found events in the outbox, ${figures.waiting} in all. The next process found them there.
   (3) It publishes them, each key in order: ${figures.lost.length === 0 ? 'nothing was lost' : `${figures.lost.length} WERE LOST`}.
   (4) It marks them after the log's confirmation: ${figures.publishedAgain} were published again, because the kill came between confirmation and mark.
   (5) The consumer deduplicates: of ${cured.duplicatesDelivered} deliveries that it had seen before, the inbox let ${cured.duplicateEffects} through. Without an inbox
       ${plain.duplicateEffects} parcels too many were packed.`
}

function table(columns: readonly Told[]): string {
  const consumer = (of: (figures: Figures) => number) => (told: Told) => String(of(told.figures))
  const rows: readonly (readonly [title: string, cell: (told: Told) => string])[] = [
    ['', ({ history }) => history.way],
    ['orders asked for', ({ history }) => String(history.asked.length)],
    ['orders stored', ({ figures }) => String(figures.stored)],
    ['kills of the service', ({ figures }) => String(figures.kills.orders)],
    ['  that fell into the window', ({ figures }) => String(figures.killsInWindow)],
    ['kills of the consumer', ({ figures }) => String(figures.kills.shipping)],
    ['events lost', ({ figures }) => String(figures.lost.length)],
    ['events published again', ({ figures }) => String(figures.publishedAgain)],
    ['duplicates delivered, without inbox', consumer(({ consumers }) => consumers['without-inbox'].duplicatesDelivered)],
    ['duplicates delivered, with inbox', consumer(({ consumers }) => consumers['with-inbox'].duplicatesDelivered)],
    ['duplicate effects, without inbox', consumer(({ consumers }) => consumers['without-inbox'].duplicateEffects)],
    ['duplicate effects, with inbox', consumer(({ consumers }) => consumers['with-inbox'].duplicateEffects)],
  ]
  return rows.map(([title, cell]) => `   ${title.padEnd(36)}${columns.map((told) => cell(told).padStart(8)).join('')}`).join('\n')
}

const dualWriteLab: Lab = {
  summary: 'write-then-publish loses events under kill -9; the outbox loses none, and the inbox ships nothing twice',
  takes: ['orders', 'seed'],
  run,
}

export default dualWriteLab
