import type { Finding, Probe } from './probe.ts'
import type { Library } from './subject.ts'

export interface Row {
  readonly probe: Probe
  readonly findings: readonly (Finding | undefined)[]
}

const START = '<!-- table: npm run pitfalls -->'
const END = '<!-- end of table -->'

/** The table as Markdown. */
export function tableOf(libraries: readonly Library[], rows: readonly Row[]): string {
  const header = ['', ...libraries.map(({ name }) => name)]
  const cells = rows.map(({ probe, findings }) => [
    `**${probe.name}**. ${probe.expected}`,
    ...findings.map((finding) => (finding === undefined ? 'not offered' : `${finding.holds ? '✓' : '✗'} ${finding.seen}`)),
  ])
  return [header, header.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** The page with the table in its place. @throws when the page has no place for it */
export function withTable(page: string, table: string): string {
  const start = page.indexOf(START)
  const end = page.indexOf(END)
  if (start === -1 || end < start) throw new Error(`The page has no ${START} followed by ${END}.`)
  return `${page.slice(0, start + START.length)}\n${table}\n${page.slice(end)}`
}
