import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConformanceReport } from '@seaworthy/conformance'
import { ConfigurationError, UnavailableError } from 'seaworthy/core'
import type { Command } from '../command.ts'
import { listenForSignals } from '../stop-signals.ts'
import { UsageError, suggestion } from '../usage.ts'

const KINDS = ['outbox'] as const

export const conformance: Command = {
  name: 'conformance',
  summary: 'puts sixteen tests to a transactional outbox on PostgreSQL, of whatever make; KIND is outbox',
  operands: ['KIND'],
  options: {
    adapter: { value: 'FILE', help: 'how the kit drives the outbox, or the name of an adapter that comes along (seaworthy)' },
    database: { value: 'URL', help: 'a throw-away PostgreSQL, as superuser, with wal_level=logical (starts one of its own)' },
    only: { value: 'NAMES', help: 'tests to run, with commas between (all)' },
    quick: { help: 'the same questions with fewer events' },
    json: { value: 'FILE', help: 'where the figures and evidence go' },
    markdown: { value: 'FILE', help: 'where a table goes, with the results of --beside' },
    beside: { value: 'FILES', help: 'results of earlier runs, as --json wrote them, for the columns of the table, with commas between' },
  },
  async run(args, { print, printError }) {
    const [kind = ''] = args.operands
    if (!KINDS.some((known) => known === kind))
      throw new UsageError(`There is no conformance kit for ${kind}.${suggestion(kind, KINDS)} There is: outbox.`)
    const { adapter = 'seaworthy', database, only, json, markdown, beside } = args.values
    const earlier = listed(beside).map(readReport)
    // Loaded here, because no other command needs a PostgreSQL driver.
    const kit = await import('@seaworthy/conformance')
    const names = kit.OUTBOX_TESTS.map(({ name }) => name)
    const unknown = listed(only).find((name) => !names.includes(name))
    if (unknown !== undefined)
      throw new UsageError(`There is no test ${unknown}.${suggestion(unknown, names)} There are: ${names.join(', ')}.`)
    const stop = new AbortController()
    const unlisten = listenForSignals({
      onStop: () => stop.abort(new UnavailableError('Stopped before all tests were put.')),
      onKill: () => process.exit(1),
    })
    const report = await kit
      .runOutboxConformance({
        adapter,
        ...(database !== undefined && { databaseUrl: database }),
        ...(only !== undefined && { only: listed(only) }),
        scale: args.flags.has('quick') ? 'quick' : 'full',
        onResult: (result) => print(kit.resultLine(result)),
        signal: stop.signal,
      })
      .finally(unlisten)
    if (json !== undefined) writeFileSync(resolve(json), `${JSON.stringify(report, null, 2)}\n`)
    if (markdown !== undefined) writeFileSync(resolve(markdown), kit.markdownOf([report, ...earlier], kit.OUTBOX_TESTS))
    print(kit.summaryLine(report))
    if (kit.isConformant(report)) return 0
    printError('Not everything passed. docs/2-communication/conformance.md says how each test is put, and what counts as a pass.')
    return 1
  },
}

function listed(text: string | undefined): readonly string[] {
  return text?.split(',').filter((part) => part !== '') ?? []
}

function readReport(file: string): ConformanceReport {
  try {
    return JSON.parse(readFileSync(resolve(file), 'utf8')) as ConformanceReport
  } catch (cause) {
    throw new ConfigurationError(`${file} holds no results: ${String(cause)}. Write them by --json.`, { cause })
  }
}
