import { askService } from '@seaworthy/supervisor'
import type { RebuildableStatus } from '@seaworthy/supervisor/management'
import { dataDirOption } from '../../arguments.ts'
import { asking } from '../../asking.ts'
import { askEvery } from '../../asking-every.ts'
import type { Command } from '../../command.ts'
import { columns } from '../../terminal.ts'

export const listProjections: Command = {
  name: 'projections list',
  summary: 'read models that can be built again while they answer: each version, which one answers, and how far they are',
  operands: [],
  options: { service: { value: 'NAME', help: 'whose (all that have one)' }, json: { help: 'as JSON' }, 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const service = args.values['service']
    const asked = { question: 'projections', parameters: {} } as const
    const answers =
      service === undefined
        ? await askEvery(asked, () => asking(args, env))
        : [{ service, answer: await askService({ service, ...asked }, asking(args, env)) }]
    if (args.flags.has('json')) {
      print(JSON.stringify(Object.fromEntries(answers.map((one) => [one.service, one.answer.projections])), null, 2))
      return 0
    }
    const rows = answers.flatMap((one) => one.answer.projections.flatMap((projection) => rowsOf(one.service, projection)))
    print(
      rows.length === 0
        ? 'No service that runs has one.'
        : columns([['service', 'projection', 'version', 'role', 'behind', 'parked'], ...rows], ''),
    )
    return 0
  },
}

function rowsOf(service: string, { projection, live, previous, versions }: RebuildableStatus): readonly string[][] {
  return versions.map(({ version, lag, parked, failing }) => {
    const role = version === live ? 'answers' : version === previous ? 'to go back to' : 'is being built'
    return [service, projection, String(version), failing > 0 ? `${role}, and fails` : role, String(lag), String(parked)]
  })
}
