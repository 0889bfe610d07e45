import type { LedgerEntry } from '@seaworthy/supervisor/gateway-admin'
import type { Command } from '../../command.ts'
import { whoAsks } from '../../asking.ts'
import { printable } from '../../terminal.ts'
import { adminOptions, askGateway } from './admin.ts'
import { heldNames } from './held-names.ts'

type Entry = Pick<LedgerEntry, 'fromPercent' | 'tenant' | 'held'>

export const rollBackRoute: Command = {
  name: 'gateway rollback',
  summary: 'takes a route back to its old side, at once and for all tenants',
  operands: ['ROUTE'],
  options: {
    tenant: { value: 'NAME', help: 'the share of this tenant alone' },
    why: { value: 'TEXT', help: 'for the ledger' },
    ...adminOptions,
  },
  async run(args, { env, print }) {
    const [route = ''] = args.operands
    const { tenant, why = 'by hand' } = args.values
    const question = { route, who: whoAsks(), why, ...(tenant !== undefined && { tenant }) }
    const said = await askGateway<{ entries: Entry[] }>(args, env, 'POST /rollback', question)
    if (args.flags.has('json')) print(JSON.stringify(said, null, 2))
    else if (said.entries.length === 0) print(printable(`${route} has never moved: there is nothing to take back.`))
    else
      for (const { tenant: of, fromPercent, held } of said.entries) {
        const waiting = held === undefined ? '' : ` Held until they are back: ${heldNames(held)}.`
        print(printable(`${route}${of === undefined ? '' : ` of ${of}`}: ${fromPercent} % → 0 %.${waiting}`))
      }
    return 0
  },
}
