import type { ConformanceTest } from './conformance-test.ts'
import type { ConformanceReport, ConformanceResult } from './run.ts'

const WORDS = { pass: 'pass', fail: 'FAIL', 'does-not-have': 'does not have', 'not-put': 'NOT PUT' } as const
const EVIDENCE_MAX = 300

/** One line of the table in the terminal. */
export function resultLine({ name, verdict, evidence, tookMs }: ConformanceResult): string {
  return `${WORDS[verdict].padEnd(13)} ${name.padEnd(18)} ${oneLine(evidence)} (${(tookMs / 1000).toFixed(1)} s)`
}

/** The last line. */
export function summaryLine({ adapter, results, postgres, tookMs }: ConformanceReport): string {
  const count = (verdict: ConformanceResult['verdict']) => results.filter((result) => result.verdict === verdict).length
  const parts = [`${count('pass')} of ${results.length} passed`, `${count('fail')} failed`, `${count('does-not-have')} does not have`]
  if (count('not-put') > 0) parts.push(`${count('not-put')} could not be put`)
  return `${adapter.name} ${adapter.version} on PostgreSQL ${postgres}: ${parts.join(', ')}, in ${Math.round(tookMs / 1000)} s`
}

/** Reports side by side, as a page of the documentation has them. */
export function markdownOf(reports: readonly ConformanceReport[], tests: readonly ConformanceTest[]): string {
  const [first] = reports
  if (first === undefined) return ''
  const cell = (report: ConformanceReport, name: string) => {
    const result = report.results.find((candidate) => candidate.name === name)
    return result === undefined ? '' : WORDS[result.verdict]
  }
  const passed = (report: ConformanceReport) => {
    const had = report.results.filter(({ verdict }) => verdict !== 'does-not-have')
    return `${had.filter(({ verdict }) => verdict === 'pass').length} of ${had.length}`
  }
  const columns = reports.map(({ adapter }) => `${adapter.name} ${adapter.version}`)
  return [
    `PostgreSQL ${first.postgres}, Node ${first.node}, ${first.startedAt.slice(0, 10)}.`,
    '',
    `| test | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---|').join('')}`,
    ...tests.map(({ name }) => `| \`${name}\` | ${reports.map((report) => cell(report, name)).join(' | ')} |`),
    `| passed, of what it has | ${reports.map(passed).join(' | ')} |`,
    ...reports.flatMap((report) => [
      '',
      `**${report.adapter.name} ${report.adapter.version}.** ${report.adapter.configuration.join(' ')}`,
      '',
      ...tests
        .flatMap(({ name }) => report.results.filter((result) => result.name === name))
        .map((result) => `- \`${result.name}\`, ${WORDS[result.verdict]}: ${oneLine(result.evidence)}.`),
    ]),
    '',
  ].join('\n')
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '')
  return line.length > EVIDENCE_MAX ? `${line.slice(0, EVIDENCE_MAX)} …` : line
}
