import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { equivalentBecause } from './equivalent.ts'
import type { Verdict } from './hunt-one.ts'
import { type Mutant, mutantsOf } from './mutate.ts'
import type { Target } from './targets.ts'

const PACKAGES = fileURLToPath(new URL('../../../packages/', import.meta.url))
const HUNT_ONE = fileURLToPath(new URL('./hunt-one.ts', import.meta.url))
// For what the watch over single histories does not see.
const PROCESSOR_SECONDS = 60

/** A mutant, and what became of it. */
export interface Hunted extends Omit<Mutant, 'source'> {
  readonly verdict: Verdict
  /** Why it is no loss that it lives; for one that was reached, and survived. */
  readonly equivalent: string | undefined
}

export interface HuntOptions {
  /** Every Nth mutant. */
  readonly sample: number
  readonly atOnce: number
  /** A folder for compiled sources, so that each of hundreds of processes need not compile them again. */
  readonly cache: string
  readonly onHunted?: (hunted: Hunted) => void
}

/** The mutants of a source, in the order of its lines. */
export function mutantsOfTarget(target: Pick<Target, 'file' | 'package'>): readonly Mutant[] {
  const path = pathOf(target)
  return mutantsOf(path, readFileSync(path, 'utf8'))
}

/** Hunts the mutants of one source, each in a process of its own. */
export async function huntAll(target: Target, { sample, atOnce, cache, onHunted }: HuntOptions): Promise<readonly Hunted[]> {
  const mutants = mutantsOfTarget(target)
  const waiting = mutants.map((_, number) => number).filter((number) => number % sample === 0)
  const hunted = new Map<number, Hunted>()
  const worker = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      const one = await huntOneMutant(target, number, cache)
      hunted.set(number, one)
      onHunted?.(one)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return [...hunted].toSorted(([one], [other]) => one - other).map(([, one]) => one)
}

/** Hunts the mutant of this number, from 0. */
export async function huntOneMutant(target: Target, number: number, cache: string): Promise<Hunted> {
  const { file, worlds } = target
  const { line, within, what } = mutantsOfTarget(target)[number]!
  const verdict = await verdictOf([pathOf(target), String(number), ...worlds], cache)
  const lives = verdict.kind === 'survived' || verdict.kind === 'not-reached'
  return { line, within, what, verdict, equivalent: lives ? equivalentBecause({ file, within, what }) : undefined }
}

function pathOf({ file, package: owner }: Pick<Target, 'file' | 'package'>): string {
  return `${PACKAGES}${owner ?? 'seaworthy'}/src/${file}`
}

function verdictOf(args: readonly string[], cache: string): Promise<Verdict> {
  const command = `ulimit -t ${PROCESSOR_SECONDS}; exec "$0" "$@"`
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--conditions=source', HUNT_ONE, ...args]
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', command, ...node], { env: { ...process.env, NODE_COMPILE_CACHE: cache } }, (_, stdout) => {
      const text = stdout.slice(stdout.lastIndexOf('{"kind"'))
      resolve(text.startsWith('{') ? (JSON.parse(text) as Verdict) : { kind: 'killed', by: 'no end', runs: 1 })
    })
  })
}
