import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigurationError } from 'seaworthy/core'
import type { Arguments } from '../arguments.ts'
import type { Command } from '../command.ts'
import type { Lab, LabNumber } from '../lab.ts'
import { columns } from '../terminal.ts'
import { UsageError, suggestion } from '../usage.ts'

export const lab: Command = {
  name: 'lab',
  summary: 'shows a failure, then its cure, with figures; NAME as listed by: lab list',
  operands: ['NAME'],
  options: {
    out: { value: 'DIR', help: 'where the raw evidence goes (a new temporary folder)' },
    orders: { value: 'COUNT', help: 'how many orders, for a lab that takes orders' },
    seed: { value: 'NUMBER', help: 'what kills and other chance are drawn from, for a lab that draws' },
  },
  async run(args, { print, printError }) {
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
    const { out } = args.values
    const outDir = out === undefined ? mkdtempSync(join(tmpdir(), `seaworthy-lab-${name}-`)) : resolve(out)
    mkdirSync(outDir, { recursive: true })
    const isAsPromised = await wanted.run({ outDir, print, ...numbers })
    if (!isAsPromised) printError(`This is not the outcome that labs/${name}/README.md promises. The evidence is in ${outDir}.`)
    return isAsPromised ? 0 : 1
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
