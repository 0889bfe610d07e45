import { askService } from '@seaworthy/supervisor'
import { dataDirOption } from '../../arguments.ts'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { asking } from '../../asking.ts'

export const showDeadLetter: Command = {
  name: 'dead-letters show',
  summary: 'one of them with its body, secrets replaced as in logs',
  operands: ['SERVICE', 'MESSAGE_ID'],
  options: { json: { help: 'as JSON' }, 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const [service = '', id = ''] = args.operands
    const letter = await askService({ service, question: 'dead-letter', parameters: { id } }, asking(args, env))
    if (args.flags.has('json')) {
      print(JSON.stringify(letter, null, 2))
      return 0
    }
    const facts = [
      ['id', letter.id],
      ['source', letter.source],
      ['kind', letter.kind],
      ['event', letter.type === null ? '' : `${letter.type}, number ${letter.sequence} of key ${letter.key} on topic ${letter.topic}`],
      ['correlation', letter.correlationId ?? ''],
      ['tried', `${letter.attempts} ${letter.attempts === 1 ? 'time' : 'times'}, set aside ${new Date(letter.diedAtMs).toISOString()}`],
      ['reason', letter.reason],
    ]
    const shown = facts.filter(([, value]) => value !== '').map(([name = '', value = '']) => [name, printable(value)])
    print(`${columns(shown, '')}\n\n${printable(letter.body)}${letter.isCut ? '\n… (cut)' : ''}`)
    return 0
  },
}
