import { askService } from '@seaworthy/supervisor'
import type { DeadLetterSummary } from '@seaworthy/supervisor/management'
import { dataDirOption } from '../../arguments.ts'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { asking } from '../../asking.ts'
import { allLetters } from './all-letters.ts'

const REASON_LENGTH_MAX = 100

export const listDeadLetters: Command = {
  name: 'dead-letters list',
  summary: 'messages that a service could not handle, each key in order, with the reason',
  operands: ['SERVICE'],
  options: { json: { help: 'as JSON, the first page of each source' }, 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const [service = ''] = args.operands
    if (args.flags.has('json')) {
      print(JSON.stringify(await askService({ service, question: 'dead-letters', parameters: {} }, asking(args, env)), null, 2))
      return 0
    }
    const letters = await allLetters(service, () => asking(args, env))
    if (letters.length === 0) {
      print(`${service} has no dead letters.`)
      return 0
    }
    print(columns([['SOURCE', 'KIND', 'KEY', 'EVENT', 'TRIED', 'SINCE', 'ID', 'REASON'], ...letters.map(row)], ''))
    return 0
  },
}

function row({ source, kind, topic, key, type, sequence, attempts, diedAtMs, id, reason }: DeadLetterSummary): string[] {
  const of = topic === null ? '' : `${topic}/${key}`
  const event = type === null ? '' : `${type} #${sequence}`
  const why = reason.length > REASON_LENGTH_MAX ? `${reason.slice(0, REASON_LENGTH_MAX)}…` : reason
  return [source, kind, of, event, String(attempts), new Date(diedAtMs).toISOString(), id, why].map(printable)
}
