import { askService } from '@seaworthy/supervisor'
import type { GuardedCall } from '@seaworthy/supervisor/management'
import { asking } from '../asking.ts'
import { dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { columns } from '../terminal.ts'

export const breakers: Command = {
  name: 'breakers',
  summary: "the calls that a service guards: where each circuit breaker stands, and what became of the calls since the process's start",
  operands: ['SERVICE'],
  options: { json: { help: 'as JSON, with what each policy declares' }, 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const [service = ''] = args.operands
    const { calls } = await askService({ service, question: 'resilience', parameters: {} }, asking(args, env))
    if (args.flags.has('json')) print(JSON.stringify(calls, null, 2))
    else print(calls.length === 0 ? `${service} guards no calls.` : columns([HEAD, ...calls.map(row)]))
    return 0
  },
}

const HEAD = ['CALLS FOR', 'BREAKER', 'SUCCEEDED', 'FAILED', 'RETRIES', 'TURNED AWAY']

function row({ call, snapshot }: GuardedCall): readonly string[] {
  const { circuitBreaker, bulkhead, succeeded, failed, retries } = snapshot
  const turnedAway = (circuitBreaker?.rejected ?? 0) + (bulkhead?.rejected ?? 0)
  return [call, circuitBreaker?.state ?? 'none', ...[succeeded, failed, retries, turnedAway].map(String)]
}
