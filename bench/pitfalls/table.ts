import type { Finding, Probe } from './probe.ts'
import type { Library } from './subject.ts'

export interface Row {
  readonly probe: Probe
  readonly findings: readonly (Finding | undefined)[]
}

/** The table as Markdown. */
export function tableOf(libraries: readonly Library[], rows: readonly Row[]): string {
  const header = ['', ...libraries.map(({ name }) => name)]
  const cells = rows.map(({ probe, findings }) => [
    `**${probe.name}**. ${probe.expected}`,
    ...findings.map((finding) => (finding === undefined ? 'not offered' : `${finding.holds ? '✓' : '✗'} ${finding.seen}`)),
  ])
  return [header, header.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
