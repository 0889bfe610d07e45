import { askService } from '@seaworthy/supervisor'
import type { SubjectReport } from 'seaworthy/event-sourcing'
import { dataDirOption } from '../../arguments.ts'
import { asking } from '../../asking.ts'
import { askEvery } from '../../asking-every.ts'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'

const TIMEOUT_MS = 35_000

export const erasureReport: Command = {
  name: 'events erasure-report',
  summary: 'every place that has something personal of somebody, service by service, and whether their keys are gone',
  operands: ['SUBJECT'],
  options: {
    service: { value: 'NAME', help: 'one alone (all that have something personal)' },
    forgotten: { help: 'fails where something of them can still be read' },
    json: { help: 'as JSON' },
    'data-dir': dataDirOption,
  },
  async run(args, { env, print, printError }) {
    const [subject = ''] = args.operands
    const service = args.values['service']
    const asked = { question: 'erasure-report', parameters: { subject } } as const
    const options = () => asking(args, env, TIMEOUT_MS)
    const answers =
      service === undefined ? await askEvery(asked, options) : [{ service, answer: await askService({ service, ...asked }, options()) }]
    if (args.flags.has('json')) print(JSON.stringify(Object.fromEntries(answers.map((one) => [one.service, one.answer])), null, 2))
    else for (const one of answers) print(describeReport(one.service, one.answer))
    const readable = answers.filter(({ answer }) => isReadable(answer))
    if (!args.flags.has('forgotten') || readable.length === 0) return 0
    printError(`${printable(subject)} can still be read in ${readable.map((one) => one.service).join(', ')}.`)
    return 1
  },
}

/** A service and what it has, a line for each place. */
export function describeReport(service: string, { key, places }: SubjectReport): string {
  const head = `${service}: ${KEYS[key]}${places.length === 0 ? 'nothing of them' : `${places.length} ${places.length === 1 ? 'place' : 'places'}`}`
  const rows = places.map(({ kind, name, count, form }) => [kind, printable(name), String(count), FORMS[form](key)])
  return rows.length === 0 ? head : `${head}\n${columns(rows, '    ')}`
}

const KEYS: Readonly<Record<SubjectReport['key'], string>> = { kept: 'the key is kept; ', forgotten: 'the key is gone; ', unknown: '' }
const FORMS = {
  clear: () => 'in the clear',
  encrypted: (key: SubjectReport['key']) => (key === 'kept' ? 'encrypted, and opens' : 'encrypted for ever'),
} as const

function isReadable({ key, places }: SubjectReport): boolean {
  return places.some(({ form }) => form === 'clear' || key === 'kept')
}
