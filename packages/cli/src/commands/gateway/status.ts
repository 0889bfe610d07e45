import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { adminOptions, askGateway } from './admin.ts'

interface Counts {
  readonly requests: { readonly from: number; readonly to: number }
  readonly errors: { readonly from: number; readonly to: number }
}

interface Status {
  readonly routes: readonly {
    readonly id: string
    readonly match: { readonly path: string; readonly methods?: readonly string[] }
    readonly from: string
    readonly to?: string
    readonly sharePercent: number
    readonly counts?: Counts
    readonly tenants: readonly { readonly tenant: string; readonly sharePercent: number; readonly counts?: Counts }[]
  }[]
}

export const gatewayStatus: Command = {
  name: 'gateway status',
  summary: 'how far each route has moved, and what its two sides did',
  operands: [],
  options: adminOptions,
  async run(args, { env, print }) {
    const status = await askGateway<Status>(args, env, 'GET /status')
    if (args.flags.has('json')) {
      print(JSON.stringify(status, null, 2))
      return 0
    }
    const rows = status.routes.flatMap(({ id, match, from, to, sharePercent, counts, tenants }) => [
      [
        id,
        `${match.methods?.join(',') ?? 'any'} ${match.path}`,
        `${from}${to === undefined ? '' : ` → ${to}`}`,
        ...figures(to && sharePercent, counts),
      ],
      ...tenants.map((tenant) => [`  ${tenant.tenant}`, '', '', ...figures(tenant.sharePercent, tenant.counts)]),
    ])
    print(
      columns(
        [['ROUTE', 'REQUESTS', 'SIDES', 'SHARE', 'OLD SIDE', 'FAILED', 'NEW SIDE', 'FAILED'], ...rows].map((row) => row.map(printable)),
        '',
      ),
    )
    return 0
  },
}

function figures(sharePercent: number | '' | undefined, counts: Counts | undefined): string[] {
  const { requests, errors } = counts ?? { requests: { from: 0, to: 0 }, errors: { from: 0, to: 0 } }
  return [typeof sharePercent === 'number' ? `${sharePercent} %` : '', ...[requests.from, errors.from, requests.to, errors.to].map(String)]
}
