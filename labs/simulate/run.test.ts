import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './run.ts'

test('the dual write fails in three lines, the outbox survives, and both leave their evidence', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  // As the lab does, with fewer seeds.
  assert.equal(await run({ outDir, print: (text) => printed.push(...text.split('\n')) }, 100), true)

  const steps = printed.filter((line) => /^ +[\d.]+ ms/.test(line))
  assert.equal(steps.length, 3, printed.join('\n'))
  for (const [at, words] of [/place \{"id":"order-1"\}/, /commits/, /CRASH/].entries()) assert.match(steps[at] ?? '', words)
  assert.match(printed.join('\n'), /outbox +0 of \d+ histories fail; \d+ faults struck/)
  assert.match(printed.at(-1) ?? '', /evidence/)

  const read = (name: string) => readFileSync(join(outDir, name), 'utf8')
  assert.match(read('dual-write.html'), /^<!doctype html>/)
  assert.ok(
    read('dual-write.jsonl')
      .trim()
      .split('\n')
      .some((line) => (JSON.parse(line) as { kind: string }).kind === 'crash'),
  )
  const runs = read('outbox.jsonl').trim().split('\n')
  assert.ok(runs.length > 100)
  assert.ok(runs.every((line) => (JSON.parse(line) as { violation: unknown }).violation === null))
})
