import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '../platform/run-command.ts'
import { readImportFile } from './read-file.ts'
import { sendToShop } from './send.ts'
import { shopAt } from './shop-at-work.ts'

const USAGE = `Usage: npm run shop:import -- FILE [--data-dir=DIR]

Takes products of DummyJSON or the trading data of Northwind over into the shop. Importing a file twice changes nothing.
The shop that runs on the data directory takes it over; when none does, one is started for the import and stopped again.`

/** @returns the exit code */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { 'data-dir': { type: 'string' }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [file] = positionals
  if (values.help || file === undefined || positionals.length > 1) {
    console.log(USAGE)
    return values.help ? 0 : 2
  }
  const dataDir = resolve(values['data-dir'] ?? process.env['SEAWORTHY_DATA_DIR'] ?? '.seaworthy')
  const { format, data } = readImportFile(file)
  await using shop = await shopAt(dataDir)
  if (shop.startedForImport) console.log(`No shop runs on ${dataDir}: one was started for the import.`)
  console.log(`${basename(file)}: ${format}`)
  try {
    await sendToShop(data, shop.endpoints, {
      onCount: ({ kind, added, known }) => {
        if (added + known > 0) console.log(`  ${kind.padEnd(10)} ${added} added, ${known} known already`)
      },
    })
  } catch (error) {
    console.error('The import ended half-way: what is listed above was taken over. Import the file again to complete it.')
    throw error
  }
  return 0
}

await runCommand(USAGE, main)
