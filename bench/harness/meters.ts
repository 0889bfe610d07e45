import { getHeapStatistics } from 'node:v8'

/** CPU time of this process in nanoseconds, of all its threads, so that work moved to another thread counts too. */
function cpuNs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1_000
}

/**
 * CPU nanoseconds per call of a loop that makes so many calls. The loop is the contender's own, so that no call of the harness
 * stands between two of its calls.
 */
export async function cpuNsPerCall(loop: (calls: number) => Promise<void>, calls: number): Promise<number> {
  const before = cpuNs()
  await loop(calls)
  return (cpuNs() - before) / calls
}

/** CPU time in percent of one core while the process is left alone for `durationMs`. */
export async function idleCpuPercent(durationMs: number): Promise<number> {
  const before = cpuNs()
  const startedMs = performance.now()
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  return ((cpuNs() - before) / 1e6 / (performance.now() - startedMs)) * 100
}

/**
 * Bytes allocated per call. The loop is kept so short that the young generation holds all of it: a collection in between
 * would hide what it freed, and such a measurement is thrown away.
 */
export async function allocatedBytesPerCall(loop: (calls: number) => Promise<void>, calls: number): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    collectGarbage()
    const before = getHeapStatistics().used_heap_size
    await loop(calls)
    const bytes = (getHeapStatistics().used_heap_size - before) / calls
    if (bytes > 0) return bytes
  }
  throw new Error(`The heap shrank during each measurement of ${calls} calls; measure fewer at a time.`)
}

/** Bytes that stay reachable for each thing that `make` makes. */
export async function retainedBytesEach(make: () => Promise<unknown>, things: number): Promise<number> {
  collectGarbage()
  const before = used()
  const kept = await make()
  collectGarbage()
  const bytes = (used() - before) / things
  if (kept === undefined) throw new Error('What was made must be returned, or it is collected before it is measured.')
  return bytes
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('Start the process with --expose-gc to measure memory.')
  globalThis.gc()
  globalThis.gc()
}
