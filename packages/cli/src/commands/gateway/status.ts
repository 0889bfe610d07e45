import type { Counts, GatewayOverview, RouteOverview } from '@seaworthy/supervisor/gateway-admin'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { adminOptions, askGateway } from './admin.ts'

const HEAD = ['ROUTE', 'REQUESTS', 'SIDES', 'SHARE', 'OLD SIDE', 'FAILED', 'NEW SIDE', 'FAILED', 'DIFFER', 'BUDGET', 'DATA']

export const gatewayStatus: Command = {
  name: 'gateway status',
  summary: 'how far each route has moved, what its two sides did, and whether it may go on',
  operands: [],
  options: adminOptions,
  async run(args, { env, print }) {
    const overview = await askGateway<GatewayOverview>(args, env, 'GET /overview')
    if (args.flags.has('json')) {
      print(JSON.stringify(overview, null, 2))
      return 0
    }
    const rows = overview.routes.flatMap((route) => [
      [
        route.id,
        `${route.match.methods?.join(',') ?? 'any'} ${route.match.path}`,
        `${route.from}${route.to === undefined ? '' : ` → ${route.to}`}`,
        ...figures(route.to === undefined ? undefined : route.sharePercent, route.counts),
        ...standing(route),
      ],
      ...route.tenants.map(({ tenant, sharePercent, counts }) => [`  ${tenant}`, '', '', ...figures(sharePercent, counts), '', '', '']),
    ])
    print(
      columns(
        [HEAD, ...rows].map((row) => row.map(printable)),
        '',
      ),
    )
    return 0
  },
}

function figures(sharePercent: number | undefined, counts: Counts | undefined): string[] {
  const { requests, errors } = counts ?? { requests: { from: 0, to: 0 }, errors: { from: 0, to: 0 } }
  return [sharePercent === undefined ? '' : `${sharePercent} %`, ...[requests.from, errors.from, requests.to, errors.to].map(String)]
}

/** Answers that differ of those that were compared, how fast the error budget is used, and where the data is. */
function standing({ comparison, budget, data }: RouteOverview): string[] {
  const burnRate = budget?.burnRate ?? null
  return [
    comparison === null ? '' : `${comparison.differing} of ${comparison.compared}`,
    burnRate === null ? '' : `${burnRate.toFixed(1)} x`,
    dataText(data),
  ]
}

function dataText(data: RouteOverview['data']): string {
  if (data === null) return ''
  if (data.kind === 'unknown') return 'not known'
  if (data.kind === 'gate') return data.ready ? 'ready' : `not ready: ${data.reason ?? ''}`
  const { phase, epoch, lag, strays, ready, reason } = data
  const behind = `${phase} (epoch ${epoch}), ${lag.changes} changes and ${Math.round(lag.ageMs)} ms behind`
  return `${behind}${strays > 0 ? `, ${strays} stray writes` : ''}${ready ? '' : `; not ready: ${reason ?? ''}`}`
}
