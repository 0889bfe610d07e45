import { askService } from '@seaworthy/supervisor'
import type { EventStreamHistory, EventStreamPage, ShownEvent, StateChange } from '@seaworthy/supervisor/management'
import { dataDirOption } from '../../arguments.ts'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { UsageError } from '../../usage.ts'
import { asking } from '../../asking.ts'

export const showEvents: Command = {
  name: 'events show',
  summary: 'a stream event by event, with what each changed, and the state at a version or a time',
  operands: ['STREAM'],
  options: {
    service: { value: 'NAME', help: 'that keeps it' },
    at: { value: 'VERSION', help: 'up to this version, or a time as in 2026-11-27T04:00:00Z (now)' },
    json: { help: 'as JSON' },
    'data-dir': dataDirOption,
  },
  async run(args, { env, print }) {
    const [stream = ''] = args.operands
    const service = args.values['service']
    if (service === undefined) throw new UsageError('seaworthy events show needs to know who keeps the stream: --service NAME.')
    const at = momentOf(args.values['at'])
    const page = (after: number) =>
      askService({ service, question: 'event-stream', parameters: { stream, after, ...(at && { at }) } }, asking(args, env))
    const events: ShownEvent[] = []
    let history: EventStreamHistory
    do {
      history = await page(events.at(-1)?.version ?? 0)
      events.push(...history.events)
    } while (history.isMore && history.events.length > 0)
    print(args.flags.has('json') ? JSON.stringify({ ...history, events }, null, 2) : describe({ ...history, events }))
    return 0
  },
}

function momentOf(text: string | undefined): EventStreamPage['at'] {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return { version: Number(text) }
  const timeMs = Date.parse(text)
  if (Number.isNaN(timeMs)) throw new UsageError(`--at is a version or a time as in 2026-11-27T04:00:00Z, not "${text}".`)
  return { timeMs }
}

function describe({ stream, archivedAtMs, events, state }: EventStreamHistory): string {
  const shown = events.map(({ version, type, recordedAtMs, id, changes }) => {
    const head = `${version}  ${type}  ${new Date(recordedAtMs).toISOString()}  ${id}`
    return changes.length === 0 ? `${head}\n    changes nothing` : `${head}\n${columns(changes.map(row), '    ')}`
  })
  const archived = archivedAtMs === null ? [] : [`Archived ${new Date(archivedAtMs).toISOString()}.`]
  const version = events.at(-1)?.version ?? 0
  return printable([...archived, ...shown, '', `${stream} at version ${version}:`, JSON.stringify(state, null, 2)].join('\n'))
}

/** As a difference is written: `-` what was, `+` what is. */
function row({ path, before, after }: StateChange): string[] {
  const was = before === undefined ? '' : `- ${JSON.stringify(before)}`
  const is = after === undefined ? '' : `+ ${JSON.stringify(after)}`
  return [path === '' ? '(all)' : path, was, is]
}
