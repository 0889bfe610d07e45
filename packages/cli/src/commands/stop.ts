import { control } from '@seaworthy/supervisor'
import { dataDirOf, dataDirOption } from '../arguments.ts'
import type { Command } from '../command.ts'

const TIMEOUT_MS = 30_000

export const stop: Command = {
  name: 'stop',
  summary: 'drains and ends everything',
  operands: [],
  options: { 'data-dir': dataDirOption },
  async run(args, { env, print }) {
    await control({ command: 'stop' }, { dataDir: dataDirOf(args, env), signal: AbortSignal.timeout(TIMEOUT_MS) })
    print('Everything has stopped.')
    return 0
  },
}
