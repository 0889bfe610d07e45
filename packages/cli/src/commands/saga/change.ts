import { askService } from '@seaworthy/supervisor'
import type { SagaChange } from '@seaworthy/supervisor/management'
import { type Arguments, dataDirOption } from '../../arguments.ts'
import { asking, whoAsks } from '../../asking.ts'
import type { Command } from '../../command.ts'
import { type Terminal, printable } from '../../terminal.ts'
import { UsageError } from '../../usage.ts'

/** The supervisor waits for a minute. */
const TIMEOUT_MS = 70_000
const note = { value: 'TEXT', help: 'the reason: it stands in the saga’s journal, and in audit.jsonl of the data directory' } as const
const operands = ['SERVICE', 'SAGA_ID']

export const retrySaga: Command = {
  name: 'saga retry',
  summary: 'tries again what a saga was parked for',
  operands,
  options: { note, 'data-dir': dataDirOption },
  run: (args, terminal) => change(args, terminal, (id, why) => ({ id, note: why, action: 'retry' })),
}

export const skipSagaStep: Command = {
  name: 'saga skip',
  summary: 'takes the step that a saga was parked for as done, or as undone: somebody saw to it',
  operands,
  options: {
    step: { value: 'NAME', help: 'the step, as `saga show` has it' },
    result: { value: 'JSON', help: 'what it is taken to have come to (nothing)' },
    note,
    'data-dir': dataDirOption,
  },
  run(args, terminal) {
    const { step, result } = args.values
    if (step === undefined) throw new UsageError('seaworthy saga skip needs --step NAME.')
    const value = result === undefined ? {} : { result: parse(result) }
    return change(args, terminal, (id, why) => ({ id, note: why, action: 'skip', step, ...value }))
  },
}

export const abortSaga: Command = {
  name: 'saga abort',
  summary: 'turns a saga back: what was done is undone; refused once that cannot be any more',
  operands,
  options: { note, 'data-dir': dataDirOption },
  run: (args, terminal) => change(args, terminal, (id, why) => ({ id, note: why, action: 'abort' })),
}

async function change(args: Arguments, { env, print }: Terminal, made: (id: string, why: string) => SagaChange): Promise<number> {
  const [service = '', id = ''] = args.operands
  const why = args.values['note']?.trim() ?? ''
  if (why === '') throw new UsageError('Say why, by --note TEXT: it stands in the saga’s journal for whoever asks later.')
  const answer = await askService(
    { service, question: 'change-saga', parameters: made(id, why), by: whoAsks() },
    asking(args, env, TIMEOUT_MS),
  )
  print(printable(`${answer.id} is ${answer.status} now.`))
  return 0
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`--result is JSON, not ${text}.`)
  }
}
