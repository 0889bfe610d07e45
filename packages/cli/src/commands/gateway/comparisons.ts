import type { Command } from '../../command.ts'
import { adminOptions, askGateway } from './admin.ts'

export const gatewayComparisons: Command = {
  name: 'gateway comparisons',
  summary: 'which answers of the two sides differ, by endpoint and field',
  operands: [],
  options: adminOptions,
  async run(args, { env, print }) {
    const { routes, text } = await askGateway<{ readonly routes: object; readonly text: string }>(args, env, 'GET /comparisons')
    print(args.flags.has('json') ? JSON.stringify(routes, null, 2) : text.trimEnd())
    return 0
  },
}
