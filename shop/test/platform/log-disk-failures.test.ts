import { VirtualClock } from '@seaworthy/testing'
import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { SqliteFullError } from 'seaworthy/sqlite'
import { logDiskFailures } from '../../platform/log-disk-failures.ts'

test('a failing disk is in the log, once a second for each thing that is wrong', async (t) => {
  const clock = new VirtualClock()
  const logged: string[] = []
  const stop = logDiskFailures({ clock, logger: { error: (fields) => logged.push((fields as { err: Error }).err.message) } })
  t.after(stop)
  const fail = (message: string) => channel('seaworthy:sqlite.disk-failed').publish(new SqliteFullError(message))
  fail('no room for orders.db')
  fail('no room for orders.db')
  fail('no room for letters.db')
  assert.deepEqual(logged, ['no room for orders.db', 'no room for letters.db'])
  await clock.advance(1_000)
  fail('no room for orders.db')
  assert.equal(logged.length, 3)
  stop()
  await clock.advance(1_000)
  fail('no room for orders.db')
  assert.equal(logged.length, 3)
})
