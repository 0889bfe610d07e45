import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type LabOutcome, beginLabRun, dataDirectoryPaths, writeLabReport } from '@seaworthy/supervisor'
import { ConfigurationError, systemClock } from 'seaworthy/core'
import { type Arguments, dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import type { Lab, LabNumber } from '../lab.ts'
import { columns } from '../terminal.ts'
import { UsageError, suggestion } from '../usage.ts'

export const lab: Command = {
  name: 'lab',
  summary: 'shows a failure, then its cure, with figures; NAME as listed by: lab list',
  operands: ['NAME'],
  options: {
    out: { value: 'DIR', help: 'where the raw evidence goes (labs/NAME in the data directory, where the console shows it)' },
    'data-dir': dataDirOption,
    orders: { value: 'COUNT', help: 'how many orders, for a lab that takes orders' },
    answer: { help: 'with what is to be found, for a lab that asks' },
    seed: { value: 'NUMBER', help: 'what kills and other chance are drawn from, for a lab that draws' },
  },
  async run(args, { print, printError, env }) {
    const labsDir = findLabs(import.meta.dirname)
    const names = readdirSync(labsDir)
      .filter((name) => existsSync(join(labsDir, name, 'run.ts')))
      .toSorted()
    const name = args.operands[0] ?? ''
    if (name === 'list') {
      print(columns(await Promise.all(names.map(async (each) => [each, (await load(labsDir, each)).summary]))))
      return 0
    }
    if (!names.includes(name)) throw new UsageError(`There is no lab ${name}.${suggestion(name, names)} There are: ${names.join(', ')}.`)
    const wanted = await load(labsDir, name)
    const numbers = numbersFor(name, wanted, args)
    if (args.flags.has('answer') && wanted.asks !== true) throw new UsageError(`The lab ${name} asks nothing: it takes no --answer.`)
    const { out } = args.values
    const startedAtMs = systemClock.now()
    const outDir = out === undefined ? beginLabRun(resolve(dataDirectoryPaths(dataDirOf(args, env)).labs), name, startedAtMs) : resolve(out)
    mkdirSync(outDir, { recursive: true })
    const printed: string[] = []
    const keep = (text: string) => {
      printed.push(text)
      print(text)
    }
    let outcome: LabOutcome = 'failed'
    try {
      outcome = (await wanted.run({ outDir, print: keep, answer: args.flags.has('answer'), ...numbers }))
        ? 'as promised'
        : 'not as promised'
    } catch (error) {
      printed.push(String(error))
      throw error
    } finally {
      const tookMs = systemClock.now() - startedAtMs
      writeLabReport(outDir, { lab: name, summary: wanted.summary, startedAtMs, tookMs, outcome, printed: printed.join('\n') })
    }
    if (outcome !== 'as promised') printError(`This is not the outcome that labs/${name}/README.md promises. The evidence is in ${outDir}.`)
    return outcome === 'as promised' ? 0 : 1
  },
}

const LEAST: Readonly<Record<LabNumber, number>> = { orders: 1, seed: 0 }

/** @throws UsageError naming an option that is no whole number, or that this lab does not take */
function numbersFor(name: string, { takes = [] }: Lab, { values }: Arguments): Partial<Record<LabNumber, number>> {
  const numbers: Partial<Record<LabNumber, number>> = {}
  for (const option of ['orders', 'seed'] as const) {
    const text = values[option]
    if (text === undefined) continue
    if (!takes.includes(option)) throw new UsageError(`The lab ${name} takes no --${option}.`)
    const number = Number(text)
    if (!Number.isSafeInteger(number) || number < LEAST[option])
      throw new UsageError(`--${option} must be a whole number from ${LEAST[option]}, but is "${text}".`)
    numbers[option] = number
  }
  return numbers
}

/**
 * The labs of the repository that this command runs from: they are sources of the repository, and not part of the package.
 * @throws ConfigurationError outside of it
 */
export function findLabs(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const labs = join(folder, 'labs')
    if (existsSync(labs) && existsSync(join(folder, 'ARCHITECTURE.md'))) return labs
  }
  throw new ConfigurationError(
    'Labs are part of the repository, and this command runs outside of it. Clone the repository, and run it there.',
  )
}

async function load(labsDir: string, name: string): Promise<Lab> {
  const file = join(labsDir, name, 'run.ts')
  const loaded = (await import(pathToFileURL(file).href)) as { readonly default?: Lab }
  if (typeof loaded.default?.run !== 'function') throw new ConfigurationError(`${file} exports no lab. Export it as default.`)
  return loaded.default
}
