import { pathToFileURL } from 'node:url'
import type { Command } from '../command.ts'
import { findApp } from '../find-app.ts'

// What is said on the command line, in the variable that the relay's process reads. The database's password is better off in the variable.
const VARIABLES = {
  database: 'SEAWORTHY_RELAY_DATABASE',
  to: 'SEAWORTHY_RELAY_TO',
  topics: 'SEAWORTHY_RELAY_TOPICS',
  wake: 'SEAWORTHY_RELAY_WAKE',
  'http-port': 'SEAWORTHY_HTTP_PORT',
  'http-host': 'SEAWORTHY_HTTP_HOST',
} as const

export const relay: Command = {
  name: 'relay',
  summary: 'takes the events of a PostgreSQL outbox to Kafka, RabbitMQ or the embedded log, beside services in any language',
  operands: [],
  options: {
    database: { value: 'URL', help: `the outbox's database: postgres://USER@HOST/DATABASE (${VARIABLES.database})` },
    to: { value: 'URL', help: `where they go: kafka://HOST:PORT, amqp://HOST, or file:///FOLDER for one machine (${VARIABLES.to})` },
    topics: { value: 'A,B', help: `the topics of the outbox (${VARIABLES.topics})` },
    wake: { value: 'HOW', help: `what wakes it, besides its own look: poll, notify or replication (${VARIABLES.wake}; notify)` },
    migrate: { help: 'makes the tables, and for replication the slot, where they are missing' },
    'http-port': { value: 'PORT', help: `/healthz, /readyz, /status, /metrics (${VARIABLES['http-port']}; any free port)` },
    'http-host': { value: 'HOST', help: `where they are served (${VARIABLES['http-host']}; 127.0.0.1)` },
  },
  async run({ values, flags }, { env }) {
    for (const [flag, variable] of Object.entries(VARIABLES)) {
      const value = values[flag]
      if (value !== undefined) env[variable] = value
    }
    if (flags.has('migrate')) env['SEAWORTHY_RELAY_MIGRATE'] = 'true'
    // The process of apps/relay, in this one: it logs, and ends by signals, as anywhere else.
    await import(pathToFileURL(findApp('relay', import.meta.dirname)).href)
    return Number(process.exitCode ?? 0)
  },
}
