import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { installProxies } from '../../test/servers/proxies.ts'
import { withTable } from '../harness/page.ts'
import { matrixCases, play } from './play.ts'
import { seaworthy, type Subject, subjects } from './subjects.ts'
import { countOf, type Results, tableOf } from './table.ts'

/**
 * `npm run matrix` puts the same bytes to every proxy and writes what came of it into docs/1-decomposition/http-proxy-matrix.md. With
 * `-- --only NAME` it asks one of them and prints what is not as expected. It fails when ours is not.
 */
const { values } = parseArgs({ options: { only: { type: 'string' } } })
const page = new URL('../../docs/1-decomposition/http-proxy-matrix.md', import.meta.url)

const asked = values.only === undefined ? subjects : subjects.filter(({ name }) => name === values.only)
if (asked.length === 0) throw new Error(`There is no proxy ${values.only}: ${subjects.map(({ name }) => name).join(', ')}.`)
if (asked.some(({ name }) => ['nginx', 'haproxy', 'caddy'].includes(name))) await installProxies()

const results = new Map<Subject, Results>()
for (const subject of asked) {
  const played = await play(subject)
  results.set(subject, played)
  console.log(`${subject.name}: as expected ${countOf(played, undefined)} in HTTP/1, ${countOf(played, 'h2')} in HTTP/2`)
}

const [only] = results
if (values.only !== undefined && only !== undefined) {
  for (const [index, { wrong, seen } = {}] of only[1].entries()) {
    const { group, name, expect } = matrixCases[index]!
    if (wrong !== undefined) console.log(`${group}: ${name}: expected ${expect.says}: ${wrong}\n  ${JSON.stringify(seen).slice(0, 500)}`)
  }
} else writeFileSync(page, withTable(readFileSync(page, 'utf8'), { command: 'npm run matrix', table: tableOf(results) }))

if (results.get(seaworthy)?.some((played) => played?.wrong !== undefined) === true) {
  console.error('Ours is not as expected: npm run matrix -- --only seaworthy says where.')
  process.exitCode = 1
}
process.exit()
