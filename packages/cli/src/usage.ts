import { SeaworthyError } from 'seaworthy/core'

/** The command line cannot be understood. The message names the argument and, where one is near, what was probably meant. */
export class UsageError extends SeaworthyError {
  constructor(message: string) {
    super('usage', message, { executed: 'no', final: true })
  }
}

/** ` Did you mean X?`, or nothing if no known word is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)
  return nearest === undefined ? '' : ` Did you mean ${nearest.candidate}?`
}

/** Levenshtein's distance: insertions, deletions and substitutions; a row of the table at a time. */
function editDistance(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const substituted = (before[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min((before[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substituted))
    }
    before = current
  }
  return before[to.length] ?? 0
}
