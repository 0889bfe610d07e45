import { parseArgs } from 'node:util'
import { historyAsText } from '@seaworthy/simulation'
import { ConfigurationError } from 'seaworthy/core'
import { writeTable } from './command/plants-table.ts'
import { type ProofOptions, prove, proveShare, summary } from './command/prove.ts'
import { runMutants } from './mutants/run-mutants.ts'
import { targets } from './mutants/targets.ts'
import { plants } from './plants/index.ts'
import { deepWorlds, worlds } from './worlds/index.ts'
import type { SimulatedWorld } from './worlds/simulated-world.ts'

/**
 * The library's own proof: `npm run simulate`. Exits with 0 when every invariant held in every history, and with 1 when one did not.
 */
const HELP = `npm run simulate -- [options]
  (none)             every world: every single fault at every point, then random seeds
  --world NAME       one world
  --plant NAME       one planted defect: prints the smallest history that shows it, and exits with 1
  --replay HISTORY   one history of the world or plant, as a failure prints it
  --seeds N          random histories of each world (those of all together: 5,000)
  --list             names of worlds and plants
  --table            finds every plant, and writes docs/simulation-plants.md
  --deep             every pair of faults in small systems of outbox and inbox, saga, and projection
  --mutants          changes the library's sources one place at a time, and counts the changes that are noticed
  --module NAME      mutants of one source file, as in relay-lane
  --sample N         every Nth mutant
  --mutants --table  hunts all mutants, and writes docs/simulation-mutants.md`

const SEEDS = Math.ceil(5_000 / worlds.length)
const PLANT_SEEDS = 5_000
const DEEP_RUNS_MAX = 200_000

const { values } = parseArgs({
  options: {
    world: { type: 'string' },
    plant: { type: 'string' },
    replay: { type: 'string' },
    seeds: { type: 'string' },
    list: { type: 'boolean' },
    table: { type: 'boolean' },
    deep: { type: 'boolean' },
    mutants: { type: 'boolean' },
    module: { type: 'string' },
    sample: { type: 'string' },
    help: { type: 'boolean' },
  },
})

function named<T extends { readonly name: string }>(sort: string, known: readonly T[], name: string): T {
  const found = known.find((one) => one.name === name)
  if (found === undefined)
    throw new ConfigurationError(`There is no ${sort} '${name}'. There are: ${known.map((one) => one.name).join(', ')}.`)
  return found
}

/** @returns whether every invariant held */
async function explored(world: SimulatedWorld, options: ProofOptions, exploring = prove): Promise<boolean> {
  const result = await exploring(world, options)
  console.log(summary(world, result))
  if (result.failure !== undefined) console.log(`\n${historyAsText(result.failure)}\n`)
  return result.failure === undefined
}

async function allHold(chosen: readonly SimulatedWorld[], options: ProofOptions): Promise<boolean> {
  const exploring = chosen.length > 1 ? proveShare : prove
  let hold = true
  for (const world of chosen) hold = (await explored(world, options, exploring)) && hold
  return hold
}

async function main(): Promise<boolean> {
  const { plant: plantName, world: worldName, replay } = values
  const seeds = values.seeds === undefined ? SEEDS : Number(values.seeds)
  if (values.help === true) {
    console.log(HELP)
    return true
  }
  if (values.list === true) {
    for (const { name, chapter } of worlds) console.log(`world ${name.padEnd(35)} ${chapter}`)
    for (const { name, mistake } of plants) console.log(`plant ${name.padEnd(35)} ${mistake}`)
    return true
  }
  if (values.mutants === true) {
    const module = values.module === undefined ? undefined : named('module', targets, values.module).name
    return runMutants({ module, sample: Number(values.sample ?? 1), table: values.table === true })
  }
  if (values.table === true) return (await writeTable(plants, { seeds: PLANT_SEEDS })).length === 0
  if (values.deep === true) return allHold(deepWorlds, { exhaustive: 2, runsMax: DEEP_RUNS_MAX })
  if (plantName !== undefined) {
    const { mistake, world } = named('plant', plants, plantName)
    console.log(`${mistake}\n`)
    return explored(world, replay === undefined ? { exhaustive: 1, seeds: values.seeds === undefined ? PLANT_SEEDS : seeds } : { replay })
  }
  const chosen = worldName === undefined ? worlds : [named('world', worlds, worldName)]
  return allHold(chosen, replay === undefined ? { exhaustive: 1, seeds } : { replay })
}

process.exitCode = (await main()) ? 0 : 1
