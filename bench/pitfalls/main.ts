import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { breakerProbes } from './breaker-probes.ts'
import { callProbes } from './call-probes.ts'
import { cockatiel } from './cockatiel.ts'
import { opossum } from './opossum.ts'
import type { Finding } from './probe.ts'
import { seaworthy } from './seaworthy.ts'
import { withTable } from '../harness/page.ts'
import { type Row, tableOf } from './table.ts'

/**
 * `npm run pitfalls [-- --check]` asks every library the same questions and writes the answers into
 * docs/3-resiliency/pitfalls.md. With `--check` it writes nothing. It fails when ours falls into a pit.
 */
const { values } = parseArgs({ options: { check: { type: 'boolean' } } })
const libraries = [seaworthy, cockatiel, opossum]
const page = new URL('../../docs/3-resiliency/pitfalls.md', import.meta.url)

const rows: Row[] = []
for (const probe of [...breakerProbes, ...callProbes]) {
  const findings: (Finding | undefined)[] = []
  for (const library of libraries) findings.push(await probe.ask(library))
  rows.push({ probe, findings })
}
const table = tableOf(libraries, rows)
console.log(table)
if (values.check !== true) writeFileSync(page, withTable(readFileSync(page, 'utf8'), { command: 'npm run pitfalls', table }))

const fallen = rows.filter(({ findings }) => findings[0]?.holds !== true).map(({ probe }) => probe.name)
if (fallen.length > 0) {
  console.error(`Ours does not hold: ${fallen.join(', ')}.`)
  process.exitCode = 1
}
