import type { MatrixCase } from './matrix-case.ts'
import { matrixCases, type Played } from './play.ts'
import type { Subject } from './subjects.ts'

/** Of every case; undefined where the subject does not speak its protocol. */
export type Results = readonly (Played | undefined)[]

/** How many are as expected, of all in that protocol. */
export function countOf(results: Results, protocol: MatrixCase['protocol']): string {
  const asked = results.filter((_, index) => matrixCases[index]!.protocol === protocol)
  if (asked.every((played) => played === undefined)) return 'not spoken'
  return `${asked.filter((played) => played?.wrong === undefined).length} of ${asked.length}`
}

/** The results as Markdown: how many, then a table for each group. */
export function tableOf(results: ReadonlyMap<Subject, Results>): string {
  const names = [...results.keys()].map(({ name, version }) => `${name} ${version()}`.trim())
  const counts = ([undefined, 'h2'] as const).map((protocol) => [
    protocol === undefined ? 'as expected in HTTP/1' : 'as expected in HTTP/2',
    ...[...results.values()].map((each) => countOf(each, protocol)),
  ])
  const sections = Map.groupBy(matrixCases.keys(), (index) => matrixCases[index]!.group)
  const tables = [...sections].map(([group, indices]) => {
    const rows = indices.map((index) => [rowName(index), ...[...results.values()].map((played) => cell(played[index]))])
    return `## ${group}\n${markdown(['case and what should come of it', ...names], rows)}`
  })
  return [markdown(['', ...names], counts), ...tables].join('\n\n')
}

function rowName(index: number): string {
  const { name, expect } = matrixCases[index]!
  return `${name}: ${expect.says}`
}

function cell(played: Played | undefined): string {
  if (played === undefined) return '–'
  const { wrong, seen } = played
  if (wrong !== undefined) return `✗ ${wrong}`
  return `✓ ${seen.statuses.length > 0 ? seen.statuses.join(', ') : seen.end}`
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((row) => `| ${row.map(escaped).join(' | ')} |`).join('\n')
}

// What a cell would take for markup, or could not show.
const escaped = (text: string): string =>
  Array.from(text.replaceAll('|', '\\|').replaceAll('<', '&lt;'), (character) =>
    character < ' ' || (character > '~' && character <= '\xff') ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}` : character,
  ).join('')
