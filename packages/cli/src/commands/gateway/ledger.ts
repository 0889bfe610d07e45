import type { Evidence, LedgerEntry } from '@seaworthy/supervisor/gateway-admin'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { adminOptions, askGateway } from './admin.ts'
import { heldNames } from './held-names.ts'

export const gatewayLedger: Command = {
  name: 'gateway ledger',
  summary: 'who moved which share when and why, and what was known then',
  operands: [],
  options: { route: { value: 'ROUTE', help: 'the decisions about this route alone' }, ...adminOptions },
  async run(args, { env, print }) {
    const { entries } = await askGateway<{ readonly entries: readonly LedgerEntry[] }>(args, env, 'GET /ledger')
    const { route } = args.values
    const shown = route === undefined ? entries : entries.filter((entry) => entry.route === route)
    if (args.flags.has('json')) {
      print(JSON.stringify({ entries: shown }, null, 2))
      return 0
    }
    if (shown.length === 0) {
      print('Nobody has decided about a share yet: each is what the configuration says.')
      return 0
    }
    const rows = shown.map((entry) => [
      new Date(entry.atMs).toISOString(),
      entry.tenant === undefined ? entry.route : `${entry.route} of ${entry.tenant}`,
      entry.kind,
      `${entry.fromPercent} % → ${entry.toPercent} %`,
      entry.who,
      known(entry),
      entry.why,
    ])
    print(
      columns(
        [['WHEN', 'ROUTE', 'WHAT', 'SHARE', 'WHO', 'KNOWN THEN', 'WHY'], ...rows].map((row) => row.map(printable)),
        '',
      ),
    )
    return 0
  },
}

function known({ evidence, held }: LedgerEntry): string {
  return [...(evidence === undefined ? [] : knownOf(evidence)), ...(held === undefined ? [] : [`held: ${heldNames(held)}`])].join(', ')
}

function knownOf({ comparison, data, lately }: Evidence): readonly string[] {
  return [
    ...(comparison === undefined ? [] : [`${comparison.differing} of ${comparison.compared} differed`]),
    ...(lately.to.requests === 0 ? [] : [`${lately.to.errors} of ${lately.to.requests} failed`]),
    ...(data === undefined ? [] : [`${Math.round(data.lag.ageMs)} ms behind`]),
  ]
}
