import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { eventually } from '@seaworthy/testing'
import type { PostgresServer } from '../../../test/servers/embedded-postgres.ts'

const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))
export const WITHIN = { withinMs: 60_000 }

interface LogLine {
  readonly level: string
  readonly msg: string
  readonly httpPort?: number
  readonly holders?: readonly { readonly gid?: string }[]
}

/** The command, as somebody types it. */
export function command(t: TestContext, args: readonly string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=source', CLI, 'relay', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SEAWORTHY_LAUNCHER: '' },
  })
  t.after(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const lines: LogLine[] = []
  const complaints: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as LogLine))
  createInterface(child.stderr).on('line', (line) => complaints.push(line))
  return { child, exited, lines, complaints }
}

export async function started(t: TestContext, args: readonly string[]) {
  const running = command(t, args)
  await eventually(
    'the relay runs',
    () => running.lines.some(({ msg }) => msg === 'the relay runs') || running.child.exitCode !== null,
    WITHIN,
  )
  const port = running.lines.find(({ httpPort }) => httpPort !== undefined)?.httpPort
  assert.ok(port !== undefined, [...running.lines.map(({ msg }) => msg), ...running.complaints].join('\n'))
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }
  return { ...running, ask }
}

/** A database of its own, and a session with it. */
export async function database(t: TestContext, server: PostgresServer) {
  const { url } = await server.createDatabase()
  const client = new Client({ connectionString: url })
  await client.connect()
  t.after(() => client.end())
  return { url, client }
}

/** As a service in another language does: one call in its own transaction. */
export const add = (client: Client, key: string, n: number, topic = 'orders') =>
  client.query(`SELECT seaworthy_outbox_add($3, $1, 'order.placed', 1, json_build_object('n', $2::int))`, [key, n, topic])
