import type { Effort, Metric, Series } from '../../harness/suite.ts'
import type { MemoryUse } from '../../matrix/subject-process.ts'
import { drive, getOf } from './load.ts'
import { SMALL } from './origin.ts'
import { type Proxied, startProxied } from './proxied.ts'
import { type Regression, regressionOf } from './regression.ts'

const SLICES = { quick: 4, full: 12 }
const CONCURRENCY = 32

type Slopes = Readonly<Record<keyof MemoryUse, Regression>>

/** How memory grows with the requests, in megabytes for each million of them: it is read after each slice of an even load. */
async function slopesOf(
  { port, memory }: Proxied,
  { slices, requests }: { readonly slices: number; readonly requests: number },
): Promise<Slopes> {
  const load = { port, messages: [getOf(SMALL.path)], concurrency: CONCURRENCY, requests }
  // Twice as much as a slice: code is compiled, pools and the heap have found their size.
  for (let warmUp = 0; warmUp < 2; warmUp++) await drive(load)
  const used: { readonly x: number; readonly y: number }[] = []
  const resident: { readonly x: number; readonly y: number }[] = []
  for (let slice = 1; slice <= slices; slice++) {
    await drive(load)
    const { usedBytes, residentBytes } = await memory()
    const x = (slice * requests) / 1e6
    used.push({ x, y: usedBytes / 1e6 })
    resident.push({ x, y: residentBytes / 1e6 })
  }
  return { usedBytes: regressionOf(used), residentBytes: regressionOf(resident) }
}

interface Run {
  readonly ours: Slopes
  readonly peer: Slopes
}

const runs = new Map<boolean, Promise<Run>>()

/** Both metrics are read of one run. */
function runOf({ quick }: Effort): Promise<Run> {
  const run = runs.get(quick) ?? measured(quick)
  runs.set(quick, run)
  return run
}

async function measured(quick: boolean): Promise<Run> {
  const slices = quick ? SLICES.quick : SLICES.full
  const of = async (name: string, requests: number): Promise<Slopes> => {
    const proxied = await startProxied(name)
    try {
      return await slopesOf(proxied, { slices, requests: quick ? 500 : requests })
    } finally {
      await proxied.stop()
    }
  }
  return { ours: await of('seaworthy', 50_000), peer: await of('@fastify/http-proxy', 10_000) }
}

const series =
  (what: keyof MemoryUse): Series =>
  async (effort) => {
    const { ours, peer } = await runOf(effort)
    const said = ({ slope, error }: Regression) => `${slope.toFixed(2)} ± ${error.toFixed(2)}`
    return {
      rounds: [{ ours: ours[what].slope, peer: peer[what].slope }],
      remark: `With the standard error of the slope: ours ${said(ours[what])}, the peer ${said(peer[what])}.`,
    }
  }

const metric = (name: string, what: keyof MemoryUse, note: string): Metric => ({
  name,
  unit: 'MB for each million requests',
  better: 'lower',
  peer: '@fastify/http-proxy',
  target: { oursMax: 1 },
  note,
  series: series(what),
})

export const memoryMetrics: readonly Metric[] = [
  metric('memory-slope', 'usedBytes', 'Heap and buffers after forced collections, by least squares over the requests after a warm-up.'),
  metric('memory-slope-rss', 'residentBytes', 'The resident set at the same moments: it has what is free within the heap too.'),
]
