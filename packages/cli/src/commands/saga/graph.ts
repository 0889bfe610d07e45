import { sagaGraph } from 'seaworthy/saga'
import type { Command } from '../../command.ts'
import { UsageError } from '../../usage.ts'
import { declaredSagas } from './declared.ts'

export const graphSagas: Command = {
  name: 'saga graph',
  summary: 'draws declared sagas as Mermaid flowcharts: steps, and how each is undone',
  operands: [],
  options: { code: { value: 'FILE', help: 'the module that exports the sagas' } },
  async run({ values }, { print }) {
    const { code } = values
    if (code === undefined) throw new UsageError('seaworthy saga graph needs --code FILE.')
    for (const saga of await declaredSagas(code)) print(sagaGraph(saga))
    return 0
  },
}
