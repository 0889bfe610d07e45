import type { Command } from '../../command.ts'
import { whoAsks } from '../dead-letters/asking.ts'
import { adminOptions, askGateway } from './admin.ts'

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
    const said = await askGateway<{ entries: { fromPercent: number; tenant?: string }[] }>(args, env, 'POST /rollback', question)
    if (args.flags.has('json')) print(JSON.stringify(said, null, 2))
    else
      for (const entry of said.entries)
        print(`${route}${entry.tenant === undefined ? '' : ` of ${entry.tenant}`}: ${entry.fromPercent} % → 0 %.`)
    return 0
  },
}
