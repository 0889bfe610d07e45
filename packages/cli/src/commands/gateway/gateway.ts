import { pathToFileURL } from 'node:url'
import type { Command } from '../../command.ts'
import { findApp } from '../../find-app.ts'
import { configOf, configOption } from './admin.ts'

export const gateway: Command = {
  name: 'gateway',
  summary: 'stands in front of a monolith, in any language, and moves it route by route to services',
  operands: [],
  options: { config: configOption },
  async run(args, { env }) {
    env['SEAWORTHY_GATEWAY_CONFIG'] = configOf(args, env)
    // The process of apps/gateway, in this one: it logs, and ends by signals, as anywhere else.
    await import(pathToFileURL(findApp('gateway', import.meta.dirname)).href)
    return Number(process.exitCode ?? 0)
  },
}
