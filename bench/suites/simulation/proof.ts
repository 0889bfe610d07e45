import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Metric } from '../../harness/suite.ts'

/** The library's own proof, run as anyone runs it: `npm run simulate`. */
const COMMAND = fileURLToPath(new URL('../../../test/simulation/main.ts', import.meta.url))
const SECONDS_MAX = 90

async function simulateCommand(...args: readonly string[]): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, printed }
}

/** As `--list` has them. */
async function plantNames(): Promise<readonly string[]> {
  const { printed } = await simulateCommand('--list')
  const names = [...printed.matchAll(/^plant (\S+)/gm)].map((match) => match[1]!)
  if (names.length === 0) throw new Error('npm run simulate -- --list names no planted defect')
  return names
}

export const proofMetrics: readonly Metric[] = [
  {
    name: 'planted-found',
    unit: 'planted defects',
    better: 'higher',
    peer: 'defects that were planted',
    target: { ratioMin: 1 },
    note: 'Each in a process of its own, which must end with a failing history and exit code 1.',
    async simulate(_seed, { quick }) {
      const names = await plantNames()
      const tried = quick ? names.slice(0, 3) : names
      let found = 0
      for (const name of tried) if ((await simulateCommand('--plant', name)).code === 1) found++
      return { ours: found, peer: tried.length }
    },
  },
  {
    name: 'depth-1-and-5000-seeds-s',
    unit: 'seconds',
    better: 'lower',
    peer: 'the limit',
    target: { ratioMax: 1 },
    note: 'Every stateful chapter: each point with each fault, then 5,000 seeds, as many for each of nineteen worlds. Wall time on one core, the start of the process included.',
    async simulate(_seed, { quick }) {
      const startedMs = performance.now()
      const { code, printed } = await simulateCommand(...(quick ? ['--seeds', '10'] : []))
      if (code !== 0) throw new Error(`A world was violated:\n${printed}`)
      return { ours: (performance.now() - startedMs) / 1_000, peer: SECONDS_MAX }
    },
  },
]
