import type { Command } from '../../command.ts'
import { UsageError } from '../../usage.ts'
import { whoAsks } from '../dead-letters/asking.ts'
import { adminOptions, askGateway } from './admin.ts'

export const shiftRoute: Command = {
  name: 'gateway shift',
  summary: 'gives the new side of a route another share of its requests',
  operands: ['ROUTE', 'PERCENT'],
  options: {
    tenant: { value: 'NAME', help: 'the share of this tenant alone' },
    why: { value: 'TEXT', help: 'for the ledger' },
    ...adminOptions,
  },
  async run(args, { env, print }) {
    const [route = '', text = ''] = args.operands
    const { tenant, why = 'by hand' } = args.values
    const [, number] = /^(\d+(?:\.\d+)?)%?$/.exec(text) ?? []
    if (number === undefined || Number(number) > 100) throw new UsageError(`PERCENT must be a number from 0 to 100, but is "${text}".`)
    const question = { route, percent: Number(number), who: whoAsks(), why, ...(tenant !== undefined && { tenant }) }
    const made = await askGateway<{ fromPercent: number; toPercent: number; to: string }>(args, env, 'POST /shift', question)
    print(
      args.flags.has('json')
        ? JSON.stringify(made, null, 2)
        : `${route}${tenant === undefined ? '' : ` of ${tenant}`}: ${made.fromPercent} % → ${made.toPercent} % at ${made.to}.`,
    )
    return 0
  },
}
