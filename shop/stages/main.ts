import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { hasServiceData, openDataDirectory } from '@seaworthy/supervisor'
import { runCommand } from '../platform/run-command.ts'
import { moveData } from './move-data.ts'

const USAGE = `Usage: npm run shop:stage -- --to STAGE [--data-dir=DIR]

Moves the data of a shop that does not run to another stage: 0, where the monolith has it all, to 3, where there is no monolith.
It goes stage by stage, forwards or back; each is copied, compared, and then written down. Broken off, it goes on from there.`

/** @returns the exit code */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { to: { type: 'string' }, 'data-dir': { type: 'string' }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  if (values.help || values.to === undefined || !/^\d{1,3}$/.test(values.to) || positionals.length > 0) {
    console.log(USAGE)
    return values.help ? 0 : 2
  }
  const to = Number(values.to)
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stopped.abort(new Error(`${signal}: stopped between two transactions.`)))
  // As a supervisor has it, so that no shop starts on it meanwhile.
  const directory = openDataDirectory(resolve(values['data-dir'] ?? process.env['SEAWORTHY_DATA_DIR'] ?? '.seaworthy'))
  try {
    const before = await moveData({
      paths: directory,
      hasData: async (service) => hasServiceData(directory, service),
      to,
      signal: stopped.signal,
      onStage: ({ stage, module, entities, written }) =>
        console.log(`stage ${stage}: ${entities} of ${module} are there and compared, ${written} of them written`),
    })
    console.log(before === to ? `The data is at stage ${to} already.` : `The data is at stage ${to}. npm start starts the shop there.`)
    return 0
  } finally {
    directory.release()
  }
}

await runCommand(USAGE, main)
