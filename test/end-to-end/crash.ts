import { parseArgs } from 'node:util'
import { CRASH_RUN, crashRun } from './crash-run.ts'

/** `npm run crash -- --times 20`: the crash test again and again, each time under another seed; with --without, what a missing safety net does. */
const { values } = parseArgs({
  options: { times: { type: 'string', default: '1' }, seed: { type: 'string' }, without: { type: 'string' } },
})
const times = Number(values.times)
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000)
let failed = 0
for (let turn = 0; turn < times; turn++) {
  const seed = firstSeed + turn
  const { violations, kills, tookMs } = await crashRun({
    ...CRASH_RUN,
    seed,
    ...(values.without !== undefined && { without: values.without }),
  })
  console.log(
    `run ${turn + 1} of ${times}, seed ${seed}: ${violations.length} violations, kills ${JSON.stringify(kills)}, ${(tookMs / 1000).toFixed(0)} s`,
  )
  for (const violation of violations.slice(0, 10)) console.log(`  ${violation}`)
  if (violations.length > 0) failed++
}
console.log(`${times - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
