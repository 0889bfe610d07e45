import { resolve } from 'node:path'
import { choreography, choreographyGraph } from 'seaworthy/system'
import type { Command } from '../../command.ts'
import { loadSystem } from '../../system-file.ts'

export const graphEvents: Command = {
  name: 'events graph',
  summary: 'draws who reacts to which event as a Mermaid flowchart, from the declarations of a system',
  operands: ['SYSTEM_FILE'],
  options: { json: { help: 'as JSON: each event with who publishes it, who reacts, and what may follow' } },
  async run({ operands, flags }, { print }) {
    const system = await loadSystem(resolve(operands[0] ?? ''))
    print(flags.has('json') ? JSON.stringify(choreography(system), null, 2) : choreographyGraph(system))
    return 0
  },
}
