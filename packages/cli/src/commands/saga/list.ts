import { askService } from '@seaworthy/supervisor'
import type { SagaList, SagaPage } from '@seaworthy/supervisor/management'
import type { SagaState, SagaSummary } from 'seaworthy/saga'
import { dataDirOption } from '../../arguments.ts'
import { asking } from '../../asking.ts'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { UsageError } from '../../usage.ts'

const STATES: readonly SagaState[] = ['running', 'waiting', 'compensating', 'parked', 'completed', 'compensated']
const SAGAS_DEFAULT = 50
const SAGAS_MAX = 10_000

export const listSagas: Command = {
  name: 'saga list',
  summary: 'sagas of a service, the newest first, and how many there are of each state',
  operands: ['SERVICE'],
  options: {
    state: { value: 'STATE', help: `one of ${STATES.join(', ')}` },
    saga: { value: 'NAME', help: 'of this name alone' },
    max: { value: 'N', help: `so many at most (${SAGAS_DEFAULT})` },
    json: { help: 'as JSON' },
    'data-dir': dataDirOption,
  },
  async run(args, { env, print }) {
    const [service = ''] = args.operands
    const { saga } = args.values
    const state = stateOf(args.values['state'])
    const max = maxOf(args.values['max'])
    const page = (before: SagaPage['before']): Promise<SagaList> =>
      askService(
        {
          service,
          question: 'sagas',
          parameters: { ...(state && { state }), ...(saga !== undefined && { saga }), ...(before && { before }) },
        },
        asking(args, env),
      )
    const sagas: SagaSummary[] = []
    let list: SagaList
    do {
      list = await page(sagas.at(-1))
      sagas.push(...list.sagas.slice(0, max - sagas.length))
    } while (list.isMore && sagas.length < max && list.sagas.length > 0)
    if (args.flags.has('json')) {
      print(JSON.stringify({ ...list, sagas }, null, 2))
      return 0
    }
    const { counts, countMax } = list
    print(STATES.map((each) => `${counts[each]}${counts[each] >= countMax ? '+' : ''} ${each}`).join(', '))
    if (sagas.length > 0) print(columns([['ID', 'SAGA', 'STATE', 'REASON', 'STARTED', 'CHANGED', 'CORRELATION'], ...sagas.map(row)], ''))
    return 0
  },
}

function row({ id, saga, version, state, reason, startedAtMs, updatedAtMs, correlationId }: SagaSummary): string[] {
  const [started, changed] = [startedAtMs, updatedAtMs].map((ms) => new Date(ms).toISOString())
  return [id, `${saga} ${version}`, state, reason ?? '', started!, changed!, correlationId].map(printable)
}

function stateOf(text: string | undefined): SagaState | undefined {
  if (text === undefined) return undefined
  const state = STATES.find((known) => known === text)
  if (state === undefined) throw new UsageError(`--state is one of ${STATES.join(', ')}, not "${text}".`)
  return state
}

function maxOf(text: string | undefined): number {
  if (text === undefined) return SAGAS_DEFAULT
  const max = Number(text)
  if (!Number.isSafeInteger(max) || max < 1 || max > SAGAS_MAX) throw new UsageError(`--max is 1 to ${SAGAS_MAX}, not "${text}".`)
  return max
}
