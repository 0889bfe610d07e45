import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './run.ts'

test('the defect is mended in the past, the hasty mend is blocked, and the evidence says so by itself', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  // As the lab does, with fewer events.
  assert.equal(await run({ outDir, print: (text) => printed.push(...text.split('\n')), seed: 5 }, 2_000), true, printed.join('\n'))

  const lines = (name: string) =>
    readFileSync(join(outDir, `${name}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const wrong = lines('wrong-before')
  assert.ok(wrong.length > 0)
  assert.deepEqual(lines('wrong-after'), [])
  assert.equal(lines('audit-trail').length, 2_000)
  const reversed = new Set(lines('audit-trail').flatMap(({ type, stream }) => (type === 'reversed' ? [stream] : [])))
  assert.ok(wrong.every(({ account }) => reversed.has(account)))
  const blocked = lines('blocked')
  assert.ok(blocked.length > 0 && blocked.every(({ key }) => !reversed.has(key)))
  const versions = [...new Set(lines('reads').map(({ version }) => version))]
  assert.deepEqual(versions, [1, 3])
  assert.match(printed.join('\n'), /audit trail +2000 events, untouched/)
})
