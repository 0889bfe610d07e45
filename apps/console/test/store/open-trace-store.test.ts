import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openTraceStore } from '../../src/store/open-trace-store.ts'

test('a damaged file is set aside, and the console begins anew', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'traces.sqlite')
  const damage = 'this was a database once, and somebody wrote over its beginning '.repeat(100)
  writeFileSync(path, damage)
  const told: string[] = []
  const store = await openTraceStore({ path }, (_error, setAside) => void told.push(setAside))
  assert.deepEqual(await store.list({ limit: 10 }), [])
  await store.close()
  assert.deepEqual(told, [`${path}.damaged`])
  assert.equal(readFileSync(told[0]!, 'utf8'), damage)

  const again = await openTraceStore({ path }, () => assert.fail('a whole file was set aside'))
  await again.close()
})
