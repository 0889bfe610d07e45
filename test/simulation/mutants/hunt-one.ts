import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { Worker } from 'node:worker_threads'
import { mutantsOf } from './mutate.ts'

/** What became of a mutant. */
export type Verdict =
  | { readonly kind: 'killed'; readonly by: string; readonly runs: number }
  /** It ran, and everything held. */
  | { readonly kind: 'survived' }
  /** No history came to the changed place. */
  | { readonly kind: 'not-reached' }
  /** It is no program. */
  | { readonly kind: 'invalid' }

const FAULTLESS_SEEDS = 5
const SEEDS = 20
// Of every single fault at every point: what is to be found is found by many of them.
const SHARE = 0.35
const STEPS_MAX = 30_000
// A mutant may go round and round without a step that could be counted. Time on the processor, so that a busy machine changes nothing.
const HISTORY_PROCESSOR_MS = 3_000
const WATCH_EVERY_MS = 200
const WATCHER = `
const { workerData: { histories, processorMs, everyMs } } = require('node:worker_threads')
let seen = -1, sinceUs = 0
setInterval(() => {
  const { user, system } = process.cpuUsage()
  if (histories[0] !== seen) [seen, sinceUs] = [histories[0], user + system]
  else if (user + system - sinceUs > processorMs * 1_000) process.kill(process.pid, 'SIGKILL')
}, everyMs)`

/** Runs one mutant, as a process of its own: `hunt-one.ts FILE NUMBER WORLD …`, FILE an absolute path. Prints its verdict as JSON. */
async function huntOne([file, number, ...worldNames]: readonly string[]): Promise<Verdict> {
  const mutant = mutantsOf(file!, readFileSync(file!, 'utf8'))[Number(number)]!
  registerHooks({
    load: (url, context, next) =>
      url.endsWith(file!) ? { format: 'module', source: stripTypeScriptTypes(mutant.source), shortCircuit: true } : next(url, context),
  })
  const reached = () => (globalThis as { mutantReached?: boolean }).mutantReached === true
  let modules
  try {
    modules = {
      ...(await import('../worlds/index.ts')),
      ...(await import('../command/prove.ts')),
      ...(await import('@seaworthy/simulation')),
    }
  } catch {
    return { kind: 'invalid' }
  }
  const { worlds, prove, explore } = modules
  // In the order in which they are named: what kills the most comes first.
  const chosen = worldNames.map((name) => worlds.find((world) => world.name === name)!)
  const limits = { stepsMax: STEPS_MAX, shrinkRunsMax: 0, onHistory: watched() }
  const explorations = [
    // Histories without a fault are few and find most; where one of them fails, the others need not be run.
    ...chosen.map(
      ({ system, invariants }) =>
        () =>
          explore({ ...limits, system, invariants, faults: 'none', seeds: FAULTLESS_SEEDS }),
    ),
    ...chosen.map((world) => () => prove(world, { ...limits, exhaustive: 1, share: SHARE, seeds: SEEDS })),
  ]
  for (const exploration of explorations) {
    try {
      const { failure, runs } = await exploration()
      if (failure !== undefined) return { kind: 'killed', by: failure.invariant, runs }
    } catch (error) {
      return { kind: 'killed', by: error instanceof Error ? error.name : String(error), runs: 1 }
    }
  }
  return reached() ? { kind: 'survived' } : { kind: 'not-reached' }
}

/** Ends the process when one history takes too long. @returns what is to be called after each history */
function watched(): () => void {
  const histories = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { histories, processorMs: HISTORY_PROCESSOR_MS, everyMs: WATCH_EVERY_MS }
  new Worker(WATCHER, { eval: true, workerData }).unref()
  return () => void histories[0]!++
}

process.on('uncaughtException', (error) => {
  process.stdout.write(JSON.stringify({ kind: 'killed', by: error.name, runs: 1 } satisfies Verdict))
  process.exit(0)
})
process.stdout.write(JSON.stringify(await huntOne(process.argv.slice(2))))
process.exit(0)
