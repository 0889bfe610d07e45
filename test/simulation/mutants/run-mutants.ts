import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { equivalentBecause } from './equivalent.ts'
import type { Verdict } from './hunt-one.ts'
import { mutantsOf } from './mutate.ts'
import { type Target, targets } from './targets.ts'

const SOURCES = fileURLToPath(new URL('../../../packages/seaworthy/src/', import.meta.url))
const HUNT_ONE = fileURLToPath(new URL('./hunt-one.ts', import.meta.url))
const AT_ONCE = 2
// A mutant may go round and round without a step that could be counted. Its time on the processor is limited, so that a busy machine changes nothing.
const PROCESSOR_SECONDS = 30
const KILLED_SHARE_MIN = 0.9

interface Tally {
  killed: number
  endless: number
  survived: number
  equivalent: number
  notReached: number
}

/**
 * Changes the sources of relay, inbox, saga and projection one place at a time, and counts the changes that the worlds notice.
 * @returns whether enough were
 */
export async function runMutants(options: { readonly module: string | undefined; readonly sample: number }): Promise<boolean> {
  const chosen = targets.filter(({ name }) => options.module === undefined || name.includes(options.module))
  const total = emptyTally()
  const cache = mkdtempSync(join(tmpdir(), 'seaworthy-mutants-'))
  try {
    for (const target of chosen) {
      const tally = await huntAll(target, options.sample, cache)
      console.log(`${target.name.padEnd(26)} ${describe(tally)}`)
      for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key]
    }
  } finally {
    rmSync(cache, { recursive: true })
  }
  console.log(`${'all'.padEnd(26)} ${describe(total)}`)
  return killedShare(total) >= KILLED_SHARE_MIN
}

async function huntAll({ file, worlds }: Target, sample: number, cache: string): Promise<Tally> {
  const path = join(SOURCES, file)
  const mutants = mutantsOf(path, readFileSync(path, 'utf8'))
  const numbers = mutants.map((_, number) => number).filter((number) => number % sample === 0)
  const tally = emptyTally()
  const worker = async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      const { line, what } = mutants[number]!
      const verdict = await hunt([path, String(number), ...worlds], cache)
      if (verdict === 'endless') {
        tally.killed++
        tally.endless++
      } else if (verdict.kind === 'killed') tally.killed++
      else if (verdict.kind === 'not-reached') tally.notReached++
      else if (verdict.kind === 'survived') {
        const reason = equivalentBecause(file, what)
        if (reason === undefined) tally.survived++
        else tally.equivalent++
        console.log(
          `  ${reason === undefined ? 'SURVIVED' : 'equivalent'} ${file}:${line} ${what}${reason === undefined ? '' : ` (${reason})`}`,
        )
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return tally
}

function hunt(args: readonly string[], cache: string): Promise<Verdict | 'endless'> {
  const command = `ulimit -t ${PROCESSOR_SECONDS}; exec "$0" "$@"`
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=source', HUNT_ONE, ...args]
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', command, ...node], { env: { ...process.env, NODE_COMPILE_CACHE: cache } }, (_, stdout) => {
      const text = stdout.slice(stdout.lastIndexOf('{"kind"'))
      resolve(text.startsWith('{') ? (JSON.parse(text) as Verdict) : 'endless')
    })
  })
}

function emptyTally(): Tally {
  return { killed: 0, endless: 0, survived: 0, equivalent: 0, notReached: 0 }
}

function killedShare({ killed, survived }: Tally): number {
  return killed + survived === 0 ? 1 : killed / (killed + survived)
}

function describe(tally: Tally): string {
  const { killed, endless, survived, equivalent, notReached } = tally
  const share = (killedShare(tally) * 100).toFixed(1)
  return `${killed} of ${killed + survived} killed (${share} %), of them ${endless} without an end; ${equivalent} equivalent, ${notReached} never reached`
}
