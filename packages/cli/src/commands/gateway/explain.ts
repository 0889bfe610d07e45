import type { Command } from '../../command.ts'
import { UsageError } from '../../usage.ts'
import { adminOptions, askGateway } from './admin.ts'

interface Explanation {
  readonly route?: string
  readonly path?: string
  readonly side?: 'from' | 'to'
  readonly upstream?: string
  readonly tenant?: string
  readonly sharePercent?: number
  readonly bucket?: number
  readonly policy?: object
}

export const explainRequest: Command = {
  name: 'gateway explain',
  summary: 'says where a request would go, and why',
  operands: ['METHOD', 'URL'],
  options: { header: { value: 'NAME:VALUE', help: 'a header of it; may be given several times' }, ...adminOptions },
  async run(args, { env, print }) {
    const [method = '', url = ''] = args.operands
    const said = await askGateway<Explanation>(args, env, 'POST /explain', {
      method: method.toUpperCase(),
      url,
      headers: headersOf(args.all['header']),
    })
    if (args.flags.has('json')) {
      print(JSON.stringify(said, null, 2))
      return 0
    }
    const { route, path, side, upstream, tenant, sharePercent = 0, bucket, policy = {} } = said
    if (route === undefined) {
      print('No route matches: it is answered 404.')
      return 1
    }
    print(`route     ${route} (${path})`)
    print(`share     ${sharePercent} % moved${tenant === undefined ? '' : `, of tenant ${tenant}`}`)
    print(
      `bucket    ${bucket === undefined ? 'none: no user key decides' : `${bucket} of 10,000; those below ${sharePercent * 100} are moved`}`,
    )
    print(`upstream  ${upstream} (the ${side === 'to' ? 'new' : 'old'} side)`)
    print(`policy    ${JSON.stringify(policy)}`)
    return 0
  },
}

function headersOf(given: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((header) => {
      const [, name, value] = /^([^:\s]+):\s*(.+)$/.exec(header) ?? []
      if (name === undefined || value === undefined) throw new UsageError(`--header must be NAME:VALUE, but is "${header}".`)
      return [name, value]
    }),
  )
}
