import { matrixCases, type Played } from './play.ts'
import type { Subject } from './subjects.ts'

/** The results as Markdown: how many, then a table for each group. */
export function tableOf(results: ReadonlyMap<Subject, readonly Played[]>): string {
  const names = [...results.keys()].map(({ name, version }) => `${name} ${version()}`.trim())
  const counts = [...results.values()].map(
    (played) => `${played.filter(({ wrong }) => wrong === undefined).length} of ${matrixCases.length}`,
  )
  const sections = Map.groupBy(matrixCases.keys(), (index) => matrixCases[index]!.group)
  const tables = [...sections].map(([group, indices]) => {
    const rows = indices.map((index) => [rowName(index), ...[...results.values()].map((played) => cell(played[index]!))])
    return `## ${group}\n${markdown(['case and what should come of it', ...names], rows)}`
  })
  return [markdown(['', ...names], [['as expected', ...counts]]), ...tables].join('\n\n')
}

function rowName(index: number): string {
  const { name, expect } = matrixCases[index]!
  return `${name}: ${expect.says}`
}

function cell({ wrong, seen }: Played): string {
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
