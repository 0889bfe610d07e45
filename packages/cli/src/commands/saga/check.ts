import { checkSagas } from 'seaworthy/saga'
import type { Command } from '../../command.ts'
import { columns, printable } from '../../terminal.ts'
import { UsageError } from '../../usage.ts'
import { declaredSagas } from './declared.ts'
import { openSagas } from './stored.ts'

export const checkSagasCommand: Command = {
  name: 'saga check',
  summary: 'fails when new code would strand a saga that is under way; reads only. Before a deploy',
  operands: [],
  options: {
    code: { value: 'FILE', help: 'the module of the new code that exports its sagas, every version that it has' },
    database: { value: 'WHERE', help: "the service's database: a file of SQLite, or postgres://USER@HOST/DATABASE" },
    json: { help: 'as JSON' },
  },
  async run({ values, flags }, { print, printError }) {
    const { code, database } = values
    if (code === undefined || database === undefined) throw new UsageError('seaworthy saga check needs --code FILE and --database WHERE.')
    const sagas = await declaredSagas(code)
    const stored = await openSagas(database)
    const { checked, stranded } = await checkSagas({ sagas, store: stored.sagas }).finally(stored.close)
    if (flags.has('json')) print(JSON.stringify({ checked, stranded }, null, 2))
    else if (stranded.length > 0) {
      const rows = stranded.map(({ id, saga, version, status, why }) => [id, saga, String(version), status, why].map(printable))
      print(columns([['ID', 'SAGA', 'VERSION', 'STATUS', 'WHY'], ...rows], ''))
    } else print(`${checked} sagas are under way, and the new code can bring all of them to their ends.`)
    if (stranded.length === 0) return 0
    printError(
      `${stranded.length} of ${checked} sagas under way would be stranded. Deploy their versions beside the new one until none is left.`,
    )
    return 1
  },
}
