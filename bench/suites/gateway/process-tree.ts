import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of a process and all below it, of all their threads, in nanoseconds. Linux alone tells it so finely. */
export function cpuNsOf(pid: number): number {
  return treeOf(pid)
    .flatMap((each) => readdirSync(`/proc/${each}/task`).map((thread) => `/proc/${each}/task/${thread}/schedstat`))
    .reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ', 1)[0]), 0)
}

/** A process and all below it. */
export function treeOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(treeOf)]
}
