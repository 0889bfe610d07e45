import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, after, before, suite, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Client } from 'pg'
import type { EventEnvelope } from 'seaworthy/messaging'
import { openSqliteEventLog } from 'seaworthy/sqlite'
import { eventually } from '@seaworthy/testing'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'

const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url))
const WITHIN = { withinMs: 60_000 }

let server: PostgresServer
before(async () => void (server = await startPostgres({ settings: { wal_level: 'logical', max_prepared_transactions: '2' } })))
after(() => server.stop())

interface LogLine {
  readonly level: string
  readonly msg: string
  readonly httpPort?: number
  readonly holders?: readonly { readonly gid?: string }[]
}

/** The command, as somebody types it. */
function command(t: TestContext, args: readonly string[]) {
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

async function started(t: TestContext, args: readonly string[]) {
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

async function database(t: TestContext) {
  const { url } = await server.createDatabase()
  const client = new Client({ connectionString: url })
  await client.connect()
  t.after(() => client.end())
  return { url, client }
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-relay-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** As a service in another language does: one call in its own transaction. */
const add = (client: Client, key: string, n: number) =>
  client.query(`SELECT seaworthy_outbox_add('orders', $1, 'order.placed', 1, json_build_object('n', $2::int))`, [key, n])

suite('seaworthy relay', () => {
  for (const wake of ['notify', 'replication', 'poll']) {
    test(`takes what another language added in its own transaction to the log, woken by ${wake}`, async (t) => {
      const { url, client } = await database(t)
      const directory = folder(t)
      const to = pathToFileURL(directory).href
      const { child, exited, ask, lines } = await started(t, [
        '--database',
        url,
        '--to',
        to,
        '--topics',
        'orders',
        '--migrate',
        '--wake',
        wake,
      ])
      await client.query('CREATE TABLE orders (id text PRIMARY KEY)')
      for (let n = 1; n <= 3; n++) {
        await client.query('BEGIN')
        await client.query('INSERT INTO orders VALUES ($1)', [`o${n}`])
        await add(client, 'customer', n)
        await client.query(n === 2 ? 'ROLLBACK' : 'COMMIT')
      }
      const log = await openSqliteEventLog({ directory })
      t.after(() => log.close())
      const reader = await log.reader({ topics: ['orders'], group: 'test' })
      const events: EventEnvelope[] = []
      await eventually(
        'both arrive',
        async () => {
          events.push(...(await reader.poll({ max: 10, waitMs: 50 })).map(({ event }) => event))
          return events.length >= 2
        },
        WITHIN,
      )
      assert.deepEqual(
        events.map(({ key, sequence, type, source, data }) => ({ key, sequence, type, source, data })),
        [1, 3].map((n, index) => ({ key: 'customer', sequence: index + 1, type: 'order.placed', source: 'orders', data: { n } })),
      )
      assert.equal((await ask('/healthz')).status, 200)
      assert.equal((await ask('/readyz')).status, 200)
      await eventually('all are marked', async () => (await ask('/metrics')).text.includes('seaworthy_outbox_messages 0\n'), WITHIN)
      assert.match((await ask('/metrics')).text, /seaworthy_relay_sent_total\{topic="orders"\} 2\n/)
      const status = JSON.parse((await ask('/status')).text) as { state: string; wakeUp?: { kind: string } }
      assert.equal(status.state, 'running')
      assert.equal(status.wakeUp?.kind, wake === 'replication' ? 'streaming' : undefined)
      child.kill('SIGTERM')
      assert.equal(await exited, 0)
      assert.deepEqual(
        lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ msg }) => msg),
        [],
      )
    })
  }

  test('logs who holds it up', async (t) => {
    const { url, client } = await database(t)
    const { lines } = await started(t, ['--database', url, '--to', pathToFileURL(folder(t)).href, '--topics', 'orders', '--migrate'])
    await client.query('BEGIN')
    await client.query('LOCK TABLE seaworthy_outbox')
    await client.query("PREPARE TRANSACTION 'forgotten'")
    const told = () => lines.find(({ msg }) => msg === 'the outbox is held up in its database')
    await eventually('it is logged', () => told() !== undefined, WITHIN)
    assert.equal(told()?.level, 'warn')
    assert.equal(told()?.holders?.[0]?.gid, 'forgotten')
    await client.query("ROLLBACK PREPARED 'forgotten'")
    await eventually('its end is logged', () => lines.some(({ msg }) => msg === 'the outbox is no longer held up'), WITHIN)
  })

  test('cannot start without what it must know, and says what that is', async (t) => {
    const { exited, complaints } = command(t, ['--to', 'kafka://127.0.0.1:1'])
    assert.equal(await exited, 1)
    assert.match(complaints.join('\n'), /SEAWORTHY_RELAY_DATABASE.*SEAWORTHY_RELAY_TOPICS/)
    assert.doesNotMatch(complaints.join('\n'), / {4}at /)
  })

  test('cannot start where the database is not to be reached: exit code 1, and a line in the log', async (t) => {
    const { exited, lines } = command(t, [
      '--database',
      'postgres://nobody@127.0.0.1:1/none',
      '--to',
      'file:///nowhere',
      '--topics',
      'orders',
    ])
    assert.equal(await exited, 1)
    assert.match(lines.at(-1)?.msg ?? '', /the relay cannot start: .*cannot be reached/)
  })
})
