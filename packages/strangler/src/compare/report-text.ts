import type { DifferenceExample, DifferenceGroup } from './difference-groups.ts'
import type { ComparisonReport, EndpointReport } from './endpoint-record.ts'

/** A report as a person reads it: what differs first, then what was not looked at. */
export function reportText({ atMs, endpoints }: ComparisonReport): string {
  if (endpoints.length === 0) return 'Nothing was compared yet.\n'
  const differing = endpoints.filter(({ differences, unanswered }) => differences.length > 0 || unanswered.length > 0)
  const others = endpoints.filter((endpoint) => !differing.includes(endpoint))
  const compared = endpoints.reduce((sum, endpoint) => sum + comparedOf(endpoint), 0)
  const differ = endpoints.reduce((sum, { verdicts }) => sum + verdicts.differs, 0)
  const title = `${new Date(atMs).toISOString()}: ${differ} of ${compared} answers differ, at ${differing.length} of ${endpoints.length} endpoints`
  return (
    [title, ...[...differing.toSorted((a, b) => b.verdicts.differs - a.verdicts.differs), ...others].map(endpointText)].join('\n\n') + '\n'
  )
}

/** How many requests to an endpoint were compared, whatever came of it. */
export function comparedOf({ verdicts: { equal, differs, transient, unsettled, unconfirmed } }: Pick<EndpointReport, 'verdicts'>): number {
  return equal + differs + transient + unsettled + unconfirmed
}

function endpointText(report: EndpointReport): string {
  const { endpoint, verdicts, differences, transient, unanswered, noise, series, isReady } = report
  const compared = comparedOf(report)
  const counts = [
    `${compared} compared`,
    `${verdicts.differs} differ${compared > 0 ? ` (${percent(verdicts.differs / compared)})` : ''}`,
    ...[
      [verdicts.transient, 'differed and did not when asked again'],
      [verdicts.unsettled, 'not to be told, the monolith itself kept changing'],
      [verdicts.unconfirmed, 'differed and were not asked again, to spare the monolith'],
      [verdicts.unanswered, 'not answered by the service'],
    ].flatMap(([count, what]) => (Number(count) > 0 ? [`${count} ${what}`] : [])),
  ]
  const lines = [`${endpoint}: ${isReady ? counts.join(', ') : `still learning, ${series} requests asked again`}`]
  for (const { reason, count } of unanswered) lines.push(`  no answer, ${count} times: ${reason}`)
  for (const group of differences) lines.push(...groupLines(group, compared))
  for (const group of transient)
    lines.push(`  passing: ${group.field} ${group.kind}, in ${group.answers} answers; data that arrives late, or a copy that ages`)
  if (noise.length > 0) lines.push(`  differs by nature, learned from ${series} requests that the monolith was asked again:`)
  for (const { field, noise: what } of noise) lines.push(`    ${field}: ${what}`)
  if (report.bodiesLeftOut > 0)
    lines.push(`  not looked at: ${report.bodiesLeftOut} bodies larger than is kept; their status and headers were compared`)
  if (report.cutShort > 0)
    lines.push(`  not looked at whole: ${report.cutShort} answers with more values or differences than one comparison takes`)
  if (report.omittedValues > 0) lines.push(`  not listed: ${report.omittedValues} values in further fields`)
  if (report.explainedLater > 0)
    lines.push(`  taken back: up to ${report.explainedLater} answers, whose field was found to differ by nature`)
  return lines.join('\n')
}

const KINDS: Readonly<Record<DifferenceGroup['kind'], string>> = {
  value: 'another value',
  type: 'another type',
  missing: 'missing at the service',
  added: 'only at the service',
  order: 'another order',
  length: 'another length',
  format: 'another form',
  range: 'too far from the monolith',
  repeated: 'the same again and again',
}

function groupLines({ field, kind, answers, values, explanations, first, last }: DifferenceGroup, compared: number): string[] {
  const several = values > answers ? `, ${values} values` : ''
  const always = explanations.length === 0 ? '' : `; always: ${explanations.join(', ')}`
  const lines = [`  ${field}: ${KINDS[kind]}, in ${answers} of ${compared} answers${several}${always}`]
  const [earliest] = first
  const latest = last.at(-1) ?? first.at(-1)
  if (earliest !== undefined) lines.push(...exampleLines('first', earliest))
  if (latest !== undefined && latest !== earliest) lines.push(...exampleLines('last', latest))
  return lines
}

function exampleLines(which: string, { atMs, request, path, expected, actual, detail }: DifferenceExample): string[] {
  return [
    `    ${which} ${new Date(atMs).toISOString()} ${request}`,
    `      ${path}: monolith ${expected}, service ${actual}${detail === undefined ? '' : ` (${detail})`}`,
  ]
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`
