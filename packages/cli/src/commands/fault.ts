import { CRASH_POINT, type Fault, LATENCY_MAX_MS, LOCK_MAX_MS, control } from '@seaworthy/supervisor'
import { type Arguments, dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage.ts'

// A crash is armed by a restart.
const TIMEOUT_MS = 60_000
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

export const fault: Command = {
  name: 'fault',
  summary: 'makes a running service suffer, to see who suffers with it',
  operands: ['SERVICE'],
  options: {
    latency: { value: 'TIME', help: 'each request waits so long before it is handled: 2s, 300ms' },
    errors: { value: 'SHARE', help: 'so many requests fail before they are handled: 50%' },
    lock: { value: 'TIME', help: 'somebody takes the lock of its database, keeps it so long, and takes it again: 400ms' },
    'crash-at': {
      value: 'POINT',
      help: 'the process is replaced by one that kills itself here, once: event-log:append:before (written, not published), event-log:append:after, database:commit:after',
    },
    pause: { help: 'the process stands still; its connections stay open, and nothing answers' },
    kill: { help: 'the process is killed, and started again by its supervisor' },
    clear: { help: 'ends all of it' },
    'data-dir': dataDirOption,
  },
  async run(args, { env, print }) {
    const [service = ''] = args.operands
    const faults = faultsOf(args)
    const options = { dataDir: dataDirOf(args, env), signal: AbortSignal.timeout(TIMEOUT_MS) }
    for (const one of faults) {
      await control({ command: 'fault', service, fault: one }, options)
      print(`${service} ${describe(one)}.`)
    }
    if (faults.some(({ kind }) => !ENDS_BY_ITSELF.has(kind))) print(`seaworthy fault ${service} --clear ends it.`)
    return 0
  },
}

const ENDS_BY_ITSELF: ReadonlySet<Fault['kind']> = new Set(['clear', 'kill', 'crash'])

/** @throws UsageError when none is asked for, or one cannot be read */
function faultsOf({ values, flags }: Arguments): readonly Fault[] {
  const { latency, errors, lock, 'crash-at': crashAt } = values
  const faults: Fault[] = [
    ...(flags.has('clear') ? [{ kind: 'clear' as const }] : []),
    ...(latency === undefined ? [] : [{ kind: 'latency' as const, ms: timeOf('latency', latency, LATENCY_MAX_MS) }]),
    ...(errors === undefined ? [] : [{ kind: 'errors' as const, ratio: shareOf(errors) }]),
    ...(lock === undefined ? [] : [{ kind: 'lock' as const, ms: timeOf('lock', lock, LOCK_MAX_MS) }]),
    ...(crashAt === undefined ? [] : [{ kind: 'crash' as const, at: pointOf(crashAt) }]),
    ...(flags.has('pause') ? [{ kind: 'pause' as const }] : []),
    ...(flags.has('kill') ? [{ kind: 'kill' as const }] : []),
  ]
  if (faults.length === 0)
    throw new UsageError(
      'Say what it is to suffer: --latency 2s, --errors 50%, --lock 400ms, --pause, --kill, --crash-at POINT, or --clear.',
    )
  return faults
}

function timeOf(option: string, text: string, maxMs: number): number {
  const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  const ms = Number(number) * UNITS_MS[unit]!
  if (!(ms <= maxMs))
    throw new UsageError(`--${option} must be a time of ${maxMs / 1_000} seconds at most, such as 2s or 300ms, but is "${text}".`)
  return ms
}

function pointOf(text: string): string {
  if (CRASH_POINT.test(text)) return text
  throw new UsageError(`--crash-at must be a point such as event-log:append:before or database:commit:after, but is "${text}".`)
}

function shareOf(text: string): number {
  const [, number, sign] = /^(\d+(?:\.\d+)?)(%)?$/.exec(text) ?? []
  const ratio = Number(number) / (sign === undefined ? 1 : 100)
  if (!(ratio <= 1)) throw new UsageError(`--errors must be a share, such as 50% or 0.5, but is "${text}".`)
  return ratio
}

function describe(one: Fault): string {
  switch (one.kind) {
    case 'latency':
      return `lets each request wait ${one.ms} ms`
    case 'errors':
      return `fails ${one.ratio * 100} % of its requests`
    case 'lock':
      return `has the lock of its database taken for ${one.ms} ms at a time`
    case 'crash':
      return `dies when it comes to ${one.at} next`
    case 'pause':
      return 'stands still'
    case 'kill':
      return 'was killed, and is started again'
    case 'clear':
      return 'suffers nothing any more'
  }
}
