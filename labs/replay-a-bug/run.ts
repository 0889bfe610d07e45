import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { seededRandom, sleep, systemClock } from 'seaworthy/core'
import { SwitchBlockedError, switchVersion } from 'seaworthy/projections'
import { type AccountEvent, balances, mended } from './account.ts'
import { type Bank, auditTrail, openBank, visibleBalances } from './bank.ts'
import { Customers } from './customers.ts'

const EVENTS = 40_000
const ACCOUNTS = 1_000
const SEED = 1
const RELEASED = 1
const HASTY = 2
const MENDED = 3

export async function run({ outDir, print, seed = SEED }: LabRun, events = EVENTS): Promise<boolean> {
  const accounts = Math.min(ACCOUNTS, events / 10)
  const directory = join(outDir, 'data')
  // What an earlier run left would be taken for the bank's past.
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  await using bank = await openBank(directory, { accounts, random: seededRandom(seed) })
  const keep = (name: string, lines: Iterable<unknown>) =>
    writeFileSync(join(outDir, `${name}.jsonl`), [...lines].map((line) => `${JSON.stringify(line)}\n`).join(''))

  await bank.work(events)
  const first = bank.build(RELEASED)
  await until(() => first.caughtUp())
  const before = await books(bank)
  const head = await bank.source.head()
  const trail = await auditTrail(bank.source, head)
  keep('wrong-before', before.wrong)
  print(`1. ${events} events of ${accounts} accounts, and the balances that were read from them by version 1 of the rule. The vault is counted: cash less fees is
   ${euros(before.owedCents)}, and customers see ${euros(before.seenCents)}. ${euros(before.owedCents - before.seenCents)} are missing, on ${before.wrong.length} accounts. All of them had a withdrawal reversed: the amount came back, the fee did not.`)

  const customers = new Customers(bank, [...(await visibleBalances(bank.documents)).keys()], seededRandom(seed + 1))
  const mayDiffer = ({ key }: { key: string }) => bank.reversed.has(key)
  const switchTo = (version: number) =>
    switchVersion({
      projection: balances(version),
      source: bank.source,
      store: bank.documents,
      sampleSize: accounts,
      mayDiffer,
      random: seededRandom(seed),
    })
  bank.build(HASTY)
  const blocked = await switchTo(HASTY).then(
    () => undefined,
    (error: unknown) => error,
  )
  const isBlocked = blocked instanceof SwitchBlockedError
  print(`
2. Mended in a hurry (version 2), replayed from the first event beside version 1, while customers go on:
   ${isBlocked ? blocked.message : 'IT WAS NOT BLOCKED.'}`)
  if (isBlocked) keep('blocked', blocked.differences)

  const startedMs = systemClock.monotonicMs()
  bank.build(MENDED)
  const report = await switchTo(MENDED)
  const replayMs = systemClock.monotonicMs() - startedMs
  await sleep(systemClock, AFTERMATH_MS)
  await customers.stop()
  await until(async () => (await books(bank)).behind === 0)
  const after = await books(bank)
  const untouched = (await auditTrail(bank.source, head)).sha256 === trail.sha256
  const failed = customers.reads.filter(({ movements }) => movements === undefined)
  const { live, previous } = await bank.documents.versions('balances')
  keep('wrong-after', after.wrong)
  keep('reads', customers.reads)
  keep('audit-trail', trail.events)
  print(`
3. Mended (version 3): the past is replayed into new balances, ${report.compared} of them are compared with a second replay, those without a reversal with what customers
   see now, and readers are switched at once. Version ${previous} is kept, to go back to.

                                      before     after
   version that answers             ${cell(RELEASED)}${cell(live)}
   accounts with a wrong balance    ${cell(before.wrong.length)}${cell(after.wrong.length)}
   missing in the vault's count     ${cell(euros(before.owedCents - before.seenCents))}${cell(euros(after.owedCents - after.seenCents))}

   the hasty version                ${isBlocked ? 'blocked its own switch' : 'WAS NOT BLOCKED'}
   balances that changed            ${report.differing} of ${report.compared} compared
   events while it was done         ${customers.events}
   reads meanwhile                  ${customers.reads.length}, ${failed.length} failed, ${customers.wentBack.length} saw less than before
   audit trail                      ${trail.events.length} events, ${untouched ? 'untouched' : 'CHANGED'} (sha256 ${trail.sha256.slice(0, 16)}…)
   replay, check and switch         ${(replayMs / 1_000).toFixed(1)} s
   evidence                         ${outDir}`)
  return (
    before.wrong.length > 0 &&
    isBlocked &&
    after.wrong.length === 0 &&
    after.owedCents === after.seenCents &&
    live === MENDED &&
    previous === RELEASED &&
    untouched &&
    customers.events > 0 &&
    customers.reads.length > 0 &&
    failed.length === 0 &&
    customers.wentBack.length === 0
  )
}

const AFTERMATH_MS = 100
const LOOK_MS = 10

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(systemClock, LOOK_MS)
}

interface Books {
  /** What customers are owed, by the vault's own count. */
  readonly owedCents: number
  readonly seenCents: number
  /** Accounts that see another balance than their events say, by a count of our own. */
  readonly wrong: readonly { readonly account: string; readonly seenCents: number; readonly rightCents: number }[]
  /** Events that the version which answers has not seen. */
  readonly behind: number
}

async function books({ source, documents, cashCents, feesCents }: Bank): Promise<Books> {
  const head = await source.head()
  const { events } = await auditTrail(source, head)
  const right = new Map<string, number>()
  for (const { stream, type, data } of events) {
    right.set(stream, (right.get(stream) ?? 0) + mended({ type, ...(data as object) } as AccountEvent))
  }
  const { live } = await documents.versions('balances')
  const checkpoints = await documents.checkpoints({ projection: 'balances', version: live })
  const seen = await visibleBalances(documents)
  const wrong = [...right].flatMap(([account, rightCents]) => {
    const seenCents = seen.get(account) ?? 0
    return seenCents === rightCents ? [] : [{ account, seenCents, rightCents }]
  })
  return {
    owedCents: cashCents() - feesCents(),
    seenCents: [...seen.values()].reduce((sum, cents) => sum + cents, 0),
    wrong,
    behind: head - Math.min(...checkpoints.values()),
  }
}

const euros = (cents: number) => `${(cents / 100).toFixed(2)} €`
const cell = (value: number | string) => String(value).padStart(10)

const replayABug: Lab = {
  summary: 'a defect in a balance rule is mended in the past as well: replayed, checked, switched under load, the audit trail untouched',
  takes: ['seed'],
  run: (options) => run(options),
}

export default replayABug
