import { parseArgs } from 'node:util'
import { linkName, type PlannedFault } from './plan.ts'
import { planForShop } from './shop-plan.ts'
import { torture } from './torture-run.ts'

/** `npm run torture -- --minutes 5 --seed 42`: everything that can happen to the shop's processes, connections and disks happens, and its books must be right. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    customers: { type: 'string', default: '6' },
    without: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const customers = Number(values.customers)
if (!(minutes > 0) || !Number.isSafeInteger(seed) || !(customers >= 1)) {
  console.error('Usage: npm run torture -- [--minutes N] [--seed S] [--customers N] [--without SAFETY_NET]')
  process.exit(2)
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(`Ended by ${signal}.`)))

const plan = planForShop({ seed, durationMs: minutes * 60_000 })
console.log(`seed ${seed}: ${plan.faults.length} faults in ${minutes} minutes, ${customers} customers`)
if (plan.cannotFill === undefined) console.log(`the disk of ${plan.smallDisk} can be filled`)
else console.log(`NO DISK IS FILLED. ${plan.cannotFill}`)

const describe = (fault: PlannedFault): string => {
  const what = 'link' in fault ? linkName(fault.link) : 'disk' in fault ? fault.disk : fault.service
  return `${(fault.atMs / 1_000).toFixed(1).padStart(7)} s  ${fault.kind.padEnd(10)} ${what}${'forMs' in fault ? `, ${fault.forMs} ms` : ''}`
}
const result = await torture({
  plan,
  customers,
  signal: interrupted.signal,
  ...(values.without !== undefined && { without: values.without }),
  onFault: (fault, seen) => console.log(`${describe(fault)}${seen ? '' : '  (had no effect)'}`),
}).catch((error: unknown) => {
  if (!interrupted.signal.aborted) throw error
  console.error((error as Error).message)
  process.exit(130)
})

console.log('\nfault       planned  happened')
const never: string[] = []
for (const [kind, { planned, seen }] of result.faults) {
  console.log(`${kind.padEnd(11)} ${String(planned).padStart(7)}  ${String(seen).padStart(8)}`)
  if (seen === 0) never.push(`the fault ${kind} never happened, so nothing is known about it: run longer, or under another seed`)
}
const at = (share: number) => Math.round(result.answerMs[Math.floor((result.answerMs.length - 1) * share)] ?? 0)
const { completed, rejected, pending } = result.orders
console.log(`
orders      ${completed} completed, ${rejected} rejected, ${pending} answered as pending; ${result.repeated} asked for again
answers     median ${at(0.5)} ms, 99 % within ${at(0.99)} ms, the slowest ${at(1)} ms
restarts    ${result.restarts}
proxies     ${Object.entries(result.effects)
  .map(([effect, count]) => `${effect} ${count}`)
  .join(', ')}
quiet       ${(result.settledAfterMs / 1_000).toFixed(1)} s after the last answer`)

const problems = [...result.violations, ...never]
for (const problem of problems.slice(0, 50)) console.log(`VIOLATION   ${problem}`)
console.log(`${problems.length} violations; seed ${seed} repeats the plan of faults`)
process.exitCode = problems.length > 0 ? 1 : 0
