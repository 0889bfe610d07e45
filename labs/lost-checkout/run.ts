import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { TimeoutError } from 'seaworthy/core'
import { openSqliteDatabase } from 'seaworthy/sqlite'
import { type Figures, type History, brokenPromises, figuresOf } from './figures.ts'
import { WAYS, type Way } from './orders.ts'
import { FAULTS, type Fault } from './payments.ts'

const ORDERS = 4
const LIFE_MS = 60_000

const TOLD: Readonly<Record<Fault, string>> = {
  'reply-lost': 'The charge is made, and its answer is lost.',
  'worker-dies': 'The worker is killed (SIGKILL) after the charge, before it can write that down, and started again.',
  'refund-overtakes': 'The charge is on its way for so long that it is given up, and its refund comes first.',
}

export async function run({ outDir, print, orders = ORDERS }: LabRun): Promise<boolean> {
  const figures: Figures[] = []
  for (const [index, fault] of FAULTS.entries()) {
    print(`${index + 1}. ${TOLD[fault]} ${orders} orders each.`)
    for (const way of WAYS) {
      const history = await makeHistory({ way, fault, orders, folder: join(outDir, way, fault) })
      const found = figuresOf(history)
      figures.push(found)
      print(`   ${way.padEnd(14)}${said(found, history)}`)
    }
  }
  const broken = brokenPromises(figures)
  for (const why of broken) print(`\n   ${why}`)
  print(`\n${table(figures)}\n   evidence    ${outDir}`)
  return broken.length === 0
}

function said({ wrong, lostCents, completed, orders }: Figures, { lives, ledger }: History): string {
  const restarts = lives > 1 ? `, ${lives - 1} restarts` : ''
  const [first] = wrong
  if (first === undefined) return `${completed} of ${orders} completed${restarts}; every order cost what it should.`
  const lines = ledger.filter(({ order_id }) => order_id === first).map(({ what, cents }) => `${what} ${cents / 100}`)
  return `${(lostCents / 100).toFixed(2)} € taken for nothing${restarts}. The books on ${first}: ${lines.join(', ')}.`
}

async function makeHistory(options: { way: Way; fault: Fault; orders: number; folder: string }): Promise<History> {
  const { way, fault, folder } = options
  mkdirSync(folder, { recursive: true })
  const lives = await live(options)
  const ordersDatabase = await openSqliteDatabase({ path: join(folder, 'orders.db') })
  const payments = await openSqliteDatabase({ path: join(folder, 'payments.db') })
  try {
    const history: History = {
      way,
      fault,
      lives,
      orders: await ordersDatabase.query({ sql: 'SELECT id, status FROM orders ORDER BY rowid' }),
      ledger: await payments.query({ sql: 'SELECT order_id, cents, what FROM ledger ORDER BY rowid' }),
      met: (await payments.query({ sql: 'SELECT order_id FROM faults' })).length,
    }
    for (const name of ['orders', 'ledger'] as const) {
      writeFileSync(join(folder, `${name}.jsonl`), history[name].map((line) => `${JSON.stringify(line)}\n`).join(''))
    }
    return history
  } finally {
    await ordersDatabase.close()
    await payments.close()
  }
}

/** Starts the worker until one of its lives comes to an end of its own. @returns how many it took */
async function live({ way, fault, orders, folder }: { way: Way; fault: Fault; orders: number; folder: string }): Promise<number> {
  const file = join(import.meta.dirname, 'checkout-process.ts')
  for (let lives = 1; lives <= orders + 1; lives++) {
    const args = ['--conditions=source', '--disable-warning=ExperimentalWarning', file, way, fault, folder, String(orders)]
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: LIFE_MS, killSignal: 'SIGKILL' })
    const [code] = (await once(worker, 'exit')) as [number | null]
    if (code === 0) return lives
    if (code !== null) throw new Error(`The worker ended with ${code}.`)
  }
  throw new TimeoutError(`The worker of ${way} was killed more often than there are orders.`, LIFE_MS)
}

function table(figures: readonly Figures[]): string {
  const head = ['', ...WAYS]
  const cents = (way: Way, fault: Fault) => figures.find((each) => each.way === way && each.fault === fault)?.lostCents ?? Number.NaN
  const rows = FAULTS.map((fault) => [fault, ...WAYS.map((way) => `${(cents(way, fault) / 100).toFixed(2)} €`)])
  const all = WAYS.map((way) => FAULTS.reduce((sum, fault) => sum + cents(way, fault), 0))
  const total = ['taken for nothing', ...all.map((sum) => `${(sum / 100).toFixed(2)} €`)]
  return [head, ...rows, total]
    .map(([title = '', ...cells]) => `   ${title.padEnd(20)}${cells.map((cell) => cell.padStart(16)).join('')}`)
    .join('\n')
}

const lostCheckoutLab: Lab = {
  summary: 'a lost reply, a killed worker and a refund that overtakes its charge cost a hand-written saga money, and ours none',
  takes: ['orders'],
  run,
}

export default lostCheckoutLab
