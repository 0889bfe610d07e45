import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
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

const SEEDS = 60
const STEPS_MAX = 30_000

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
    modules = { ...(await import('../worlds/index.ts')), ...(await import('../command/prove.ts')) }
  } catch {
    return { kind: 'invalid' }
  }
  const { worlds, prove } = modules
  for (const world of worlds.filter(({ name }) => worldNames.includes(name))) {
    try {
      const { failure, runs } = await prove(world, { exhaustive: 1, seeds: SEEDS, stepsMax: STEPS_MAX })
      if (failure !== undefined) return { kind: 'killed', by: failure.invariant, runs }
    } catch (error) {
      return { kind: 'killed', by: error instanceof Error ? error.name : String(error), runs: 1 }
    }
  }
  return reached() ? { kind: 'survived' } : { kind: 'not-reached' }
}

process.on('uncaughtException', (error) => {
  process.stdout.write(JSON.stringify({ kind: 'killed', by: error.name, runs: 1 } satisfies Verdict))
  process.exit(0)
})
process.stdout.write(JSON.stringify(await huntOne(process.argv.slice(2))))
process.exit(0)
