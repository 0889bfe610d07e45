import { type ControlOptions, type RunFile, askService, control } from '@seaworthy/supervisor'
import { NotFoundError, SeaworthyError } from 'seaworthy/core'
import { dataDirOption } from '../../arguments.ts'
import type { Command } from '../../command.ts'
import { printable } from '../../terminal.ts'
import { asking } from '../../asking.ts'

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
    if (args.flags.has('json')) print(JSON.stringify(Object.fromEntries(reports.map(({ service, report }) => [service, report])), null, 2))
    let isRight = true
    for (const { service, report } of reports) {
      const { events, streams, findings, findingsInAll, facts, isComplete } = report
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
  return { service, report: await askService({ service, question: 'audit-events', parameters: {} }, options) }
}

async function auditAll(options: () => ControlOptions) {
  const reports: Awaited<ReturnType<typeof audit>>[] = []
  const { processes } = (await control({ command: 'status' }, options())) as RunFile
  for (const { name: service } of processes) {
    try {
      reports.push(await audit(service, options()))
    } catch (error) {
      // Most services keep no events.
      if (!(error instanceof SeaworthyError) || error.code !== 'not-found') throw error
    }
  }
  if (reports.length === 0) throw new NotFoundError('No service that runs keeps events. Name one with --service to see why.')
  return reports
}
