import { askService } from '@seaworthy/supervisor'
import type { Arguments } from '../../arguments.ts'
import { dataDirOption } from '../../arguments.ts'
import { asking, whoAsks } from '../../asking.ts'
import type { Command } from '../../command.ts'
import { UsageError } from '../../usage.ts'

const TIMEOUT_MS = 65_000

const options = { service: { value: 'NAME', help: 'that keeps it' }, 'data-dir': dataDirOption } as const

export const rebuildProjection: Command = {
  name: 'projections rebuild',
  summary: 'builds a read model again from the first event, beside the one that answers, and switches when it has been checked; audited',
  operands: ['PROJECTION'],
  options,
  async run(args, { env, print }) {
    const asked = askedOf(args, 'rebuild')
    const answer = await askService({ ...asked, question: 'rebuild-projection' }, asking(args, env, TIMEOUT_MS))
    if (answer.kind === 'building') print('It is being built, and answers when it is done: seaworthy projections list.')
    else
      print(
        `Version ${answer.to} answers in place of ${answer.from}: ${answer.compared} documents are what a replay makes of them, ${answer.differing} of them differ from before.`,
      )
    return 0
  },
}

export const goBackProjection: Command = {
  name: 'projections go-back',
  summary: 'lets the version of a read model answer again that did before the last switch; audited',
  operands: ['PROJECTION'],
  options,
  async run(args, { env, print }) {
    const asked = askedOf(args, 'go-back')
    const { from, to } = await askService({ ...asked, question: 'go-back-projection' }, asking(args, env, TIMEOUT_MS))
    print(`Version ${to} answers again in place of ${from}.`)
    return 0
  },
}

function askedOf({ operands: [projection = ''], values }: Arguments, what: string) {
  const service = values['service']
  if (service === undefined) throw new UsageError(`seaworthy projections ${what} needs to know who keeps it: --service NAME.`)
  return { service, parameters: { projection }, by: whoAsks() }
}
