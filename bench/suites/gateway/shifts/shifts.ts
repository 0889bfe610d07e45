import { setTimeout as delay } from 'node:timers/promises'
import type { Effort, Metric, Series } from '../../../harness/suite.ts'
import { askChild, forkTelling } from '../forked.ts'
import { type GatewayProcess, startGateway } from '../gateway-process.ts'
import { FrameStream, readAndWrite } from './clients.ts'

const CHANGES = { quick: 40, full: 1_000 }
const CLIENTS = 16
const SOCKETS = 16
const LAST_FRAMES_MS = 10_000

interface Run {
  readonly changes: number
  readonly requests: number
  readonly dropped: number
  readonly frames: number
  readonly lostFrames: number
  readonly writes: number
  readonly lostWrites: number
  readonly repeatedWrites: number
  readonly failures: readonly string[]
}

const runs = new Map<boolean, Promise<Run>>()

/** All three metrics are read of one run. */
function runOf({ quick }: Effort): Promise<Run> {
  const run = runs.get(quick) ?? measured(quick ? CHANGES.quick : CHANGES.full)
  runs.set(quick, run)
  return run
}

async function measured(changes: number): Promise<Run> {
  await using resources = new AsyncDisposableStack()
  const side = async () => {
    const { child, told } = await forkTelling<{ port: number }>(new URL('side-process.ts', import.meta.url), [])
    resources.defer(() => void child.kill('SIGKILL'))
    return { child, port: told.port }
  }
  // The service has a second address that a reload moves it to.
  const [monolith, service, elsewhere] = [await side(), await side(), await side()]
  const files = [service, elsewhere].map((to) => fileOf(monolith.port, to.port))
  const gateway = await startGateway(files[0]!)
  resources.defer(() => gateway.stop())

  const streams: FrameStream[] = []
  for (let index = 0; index < SOCKETS; index++) streams.push(await FrameStream.open(gateway.port, `user-${index}`))
  resources.defer(() => {
    for (const stream of streams) stream.close()
  })
  const over = new AbortController()
  const load = readAndWrite(gateway.port, { clients: CLIENTS, signal: over.signal })
  try {
    for (let index = 0; index < changes; index++) {
      for (const stream of streams) stream.send()
      await change(gateway, index, files)
    }
  } finally {
    over.abort()
  }
  const { requests, dropped, acknowledgedWrites, failures } = await load
  for (const endMs = performance.now() + LAST_FRAMES_MS; !streams.every(({ isWhole }) => isWhole) && performance.now() < endMs;)
    await delay(5)

  const kept: string[] = []
  for (const { child } of [monolith, service, elsewhere]) kept.push(...(await askChild<{ writes: string[] }>(child, 'writes')).writes)
  const known = new Set(kept)
  return {
    changes,
    requests,
    dropped,
    failures,
    frames: streams.reduce((sum, stream) => sum + stream.frames, 0),
    lostFrames: streams.reduce((sum, stream) => sum + stream.lost, 0),
    writes: acknowledgedWrites.length,
    lostWrites: acknowledgedWrites.filter((write) => !known.has(write)).length,
    repeatedWrites: kept.length - known.size,
  }
}

const by = { who: 'bench', why: 'one of many' }

/** A shift, another, a rollback, and a reload of a file in which the service is elsewhere. */
async function change(gateway: GatewayProcess, index: number, files: readonly object[]): Promise<void> {
  const kind = index % 4
  if (kind === 2) return gateway.tell('/rollback', { route: 'reviews', ...by })
  if (kind < 2) return gateway.tell('/shift', { route: 'reviews', percent: [10, 60, 100][index % 3], ...by })
  gateway.configure(files[index % 8 === 3 ? 1 : 0]!)
  return gateway.tell('/reload')
}

function fileOf(monolithPort: number, servicePort: number): object {
  const upstream = (port: number) => ({ urls: [`http://127.0.0.1:${port}`] })
  return {
    upstreams: { monolith: upstream(monolithPort), reviews: upstream(servicePort) },
    routes: [
      { id: 'reviews', match: { path: '/reviews/*' }, from: 'monolith', to: 'reviews', stickyBy: { header: 'x-user' }, guard: false },
      { id: 'rest', match: { path: '/*' }, from: 'monolith' },
    ],
  }
}

const series =
  (of: (run: Run) => { readonly ours: number; readonly peer: number }): Series =>
  async (effort) => {
    const run = await runOf(effort)
    const { changes, requests, frames, writes, repeatedWrites, failures } = run
    const first = failures.length === 0 ? '' : ` The first that was dropped: ${failures[0]}.`
    return {
      rounds: [of(run)],
      remark: `${changes} shifts, rollbacks and reloads; ${requests} requests, ${frames} frames on ${SOCKETS} WebSockets, ${writes} acknowledged writes; ${repeatedWrites} writes arrived twice.${first}`,
    }
  }

const metric = (name: string, unit: string, peer: string, of: (run: Run) => { ours: number; peer: number }): Metric => ({
  name,
  unit,
  peer,
  better: 'lower',
  target: { oursMax: 0 },
  series: series(of),
})

export const shiftMetrics: readonly Metric[] = [
  metric('shifts-dropped', 'requests without a whole answer of 200', 'requests', ({ dropped, requests }) => ({
    ours: dropped,
    peer: requests,
  })),
  metric('shifts-lost-frames', 'WebSocket frames that did not come back in order', 'frames sent', ({ lostFrames, frames }) => ({
    ours: lostFrames,
    peer: frames,
  })),
  metric('shifts-lost-writes', 'acknowledged writes that no side has', 'acknowledged writes', ({ lostWrites, writes }) => ({
    ours: lostWrites,
    peer: writes,
  })),
]
