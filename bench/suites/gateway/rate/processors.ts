import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { treeOf } from '../process-tree.ts'

/** Which processors are whose, as `taskset` reads them. */
export interface Processors {
  /** One, for the proxy that is measured. */
  readonly proxy: string
  /** All others: for the load and the upstream. */
  readonly others: string
}

/** @returns undefined where there are too few to give the proxy one of its own */
export function processors(): Processors | undefined {
  const last = availableParallelism() - 1
  return last < 1 ? undefined : { proxy: String(last), others: last === 1 ? '0' : `0-${last - 1}` }
}

/** Keeps a process and all below it, with all their threads and those to come, to some processors. Linux alone. @throws when it cannot be done */
export function keepTo(list: string, pid: number): void {
  for (const each of treeOf(pid)) {
    const { status, stderr, error } = spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(each)], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`Process ${each} cannot be kept to processors ${list}: ${error?.message ?? stderr.trim()}`)
  }
}
