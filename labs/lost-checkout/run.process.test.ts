import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './run.ts'

test('each fault costs the hand-written checkout money and the saga none, and the ledger shows it', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  assert.equal(await run({ outDir, print: (text) => printed.push(text), orders: 1 }), true, printed.join('\n'))
  assert.match(printed.join('\n'), /taken for nothing +147\.00 € +0\.00 €/)

  const ledger = (way: string, fault: string) =>
    readFileSync(join(outDir, way, fault, 'ledger.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { what: string }).what)
  assert.deepEqual(ledger('hand-written', 'worker-dies'), ['charge', 'charge'])
  assert.deepEqual(ledger('saga', 'worker-dies'), ['charge'])
  assert.deepEqual(ledger('hand-written', 'refund-overtakes'), ['charge'])
  assert.deepEqual(ledger('saga', 'refund-overtakes'), [])
})
