import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { EventEnvelope } from 'seaworthy/messaging'
import { openSqliteEventLog } from 'seaworthy/sqlite'
import { eventually } from '@seaworthy/testing'
import { type PostgresServer, startPostgres } from '../../../test/servers/embedded-postgres.ts'
import { WITHIN, add, command, database, started } from './relay-process.ts'

let server: PostgresServer
before(async () => void (server = await startPostgres({ settings: { wal_level: 'logical', max_prepared_transactions: '2' } })))
after(() => server.stop())

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'seaworthy-relay-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

suite('seaworthy relay', () => {
  for (const wake of ['notify', 'replication', 'poll']) {
    test(`takes what another language added in its own transaction to the log, woken by ${wake}`, async (t) => {
      const { url, client } = await database(t, server)
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
    const { url, client } = await database(t, server)
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
