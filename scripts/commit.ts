import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'

/** A number that is the same for the same commit, and any other for another: what continuous integration draws chance from. */
export function commitNumber(): number {
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()
  return createHash('sha256').update(commit).digest().readInt32BE()
}

/** In continuous integration, whose time is short: which of so many is this commit's, from 0. Elsewhere undefined: all are. */
export function turnOf(count: number): number | undefined {
  return process.env['CI'] === undefined ? undefined : Math.abs(commitNumber()) % count
}
