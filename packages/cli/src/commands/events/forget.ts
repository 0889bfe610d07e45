import { askService } from '@seaworthy/supervisor'
import { dataDirOption } from '../../arguments.ts'
import { asking, whoAsks } from '../../asking.ts'
import type { Command } from '../../command.ts'
import { printable } from '../../terminal.ts'
import { UsageError } from '../../usage.ts'
import { describeReport } from './erasure-report.ts'

const TIMEOUT_MS = 65_000

export const forgetSubject: Command = {
  name: 'events forget',
  summary: 'has a service forget somebody; the one that owns them tells the others. Audited, and safe to repeat',
  operands: ['SUBJECT'],
  options: { service: { value: 'NAME', help: 'that owns them' }, json: { help: 'as JSON' }, 'data-dir': dataDirOption },
  async run(args, { env, print, printError }) {
    const [subject = ''] = args.operands
    const service = args.values['service']
    if (service === undefined) throw new UsageError('seaworthy events forget needs to know who owns them: --service NAME.')
    const parameters = { subject }
    const forgotten = await askService({ service, question: 'forget-subject', parameters, by: whoAsks() }, asking(args, env, TIMEOUT_MS))
    if (args.flags.has('json')) print(JSON.stringify(forgotten, null, 2))
    else print(describeReport(service, forgotten.report))
    for (const what of forgotten.remains) printError(printable(what))
    return forgotten.remains.length === 0 ? 0 : 1
  },
}
