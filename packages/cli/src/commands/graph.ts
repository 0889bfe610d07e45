import { resolve } from 'node:path'
import { choreographyGraph } from 'seaworthy/system'
import type { Command } from '../command.ts'
import { loadSystem } from '../system-file.ts'

export const graph: Command = {
  name: 'graph',
  summary: 'draws who reacts to what as a Mermaid flowchart, from the declarations of a system',
  operands: ['SYSTEM_FILE'],
  options: {},
  async run({ operands }, { print }) {
    print(choreographyGraph(await loadSystem(resolve(operands[0] ?? ''))))
    return 0
  },
}
