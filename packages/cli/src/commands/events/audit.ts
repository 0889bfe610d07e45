import { type ControlOptions, askService } from '@seaworthy/supervisor'
import { NotFoundError } from 'seaworthy/core'
import { dataDirOption } from '../../arguments.ts'
import type { Command } from '../../command.ts'
import { printable } from '../../terminal.ts'
import { asking } from '../../asking.ts'
import { askEvery } from '../../asking-every.ts'

const TIMEOUT_MS = 35_000

export const auditEvents: Command = {
  name: 'events audit',
  summary: 'fails unless the history of an event store is right: streams without gaps, known events, books that balance',
  operands: [],
  options: { service: { value: 'NAME', help: 'whose (all that keep events)' }, json: { help: 'as JSON' }, 'data-dir': dataDirOption },
  async run(args, { env, print, printError }) {
    const options = () => asking(args, env, TIMEOUT_MS)
    const named = args.values['service']
    const reports = named === undefined ? await auditAll(options) : [await audit(named, options())]
    if (args.flags.has('json')) print(JSON.stringify(Object.fromEntries(reports.map(({ service, answer }) => [service, answer])), null, 2))
    let isRight = true
    for (const { service, answer } of reports) {
      const { events, streams, findings, findingsInAll, facts, isComplete } = answer
      isRight &&= findingsInAll === 0 && isComplete
      if (args.flags.has('json')) continue
      print(`${service}: ${events} events in ${streams} streams.`)
      for (const fact of facts) print(`  ${printable(fact)}`)
      for (const finding of findings) printError(`  WRONG: ${printable(finding)}`)
      if (findingsInAll > findings.length) printError(`  and ${findingsInAll - findings.length} findings more.`)
      if (!isComplete) printError('  The history was not read to its end: what was not seen is not judged.')
      if (findingsInAll === 0 && isComplete) print('  Streams have no gaps, and every event is known.')
    }
    return isRight ? 0 : 1
  },
}

async function audit(service: string, options: ControlOptions) {
  return { service, answer: await askService({ service, question: 'audit-events', parameters: {} }, options) }
}

async function auditAll(options: () => ControlOptions) {
  const reports = await askEvery({ question: 'audit-events', parameters: {} }, options)
  if (reports.length === 0) throw new NotFoundError('No service that runs keeps events. Name one with --service to see why.')
  return reports
}
