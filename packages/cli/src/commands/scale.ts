import { type RunFile, control } from '@seaworthy/supervisor'
import { dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { scaleOfText } from '../engines/scale.ts'

/** Each of those that call the service is restarted. */
const TIMEOUT_MS = 600_000

export const scale: Command = {
  name: 'scale',
  summary: 'changes how many instances of a service run, and restarts those that call it, one after another',
  operands: ['SERVICE=COUNT'],
  options: { 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    const [service, count] = scaleOfText(args.operands[0] ?? '', 'SERVICE=COUNT')
    const options = { dataDir: dataDirOf(args, env), signal: AbortSignal.timeout(TIMEOUT_MS) }
    await control({ command: 'scale', service, count }, options)
    const run = (await control({ command: 'status' }, options)) as RunFile
    const instances = run.processes.filter(({ name }) => name === service).map(({ instance }) => instance)
    print(`${service} runs as ${instances.join(', ')}.`)
    return 0
  },
}
