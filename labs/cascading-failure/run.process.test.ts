import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chart } from './chart.ts'
import { figuresOf } from './figures.ts'
import { observe } from './run.ts'
import { SERVICES, STAGES, TIMELINE } from './stages.ts'

test('without policies the slow service kills storefront, with breakers it does not, and both leave their evidence', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  const stages = STAGES.filter(({ name }) => name === 'none' || name === 'breaker')
  // As the lab does, in two of its stages.
  const seen = await observe({ outDir, print: (text) => void printed.push(text) }, { stages, timeline: TIMELINE })
  const [none, breaker] = seen.map(figuresOf)
  assert.ok(none?.diedAtMs !== undefined, JSON.stringify(none))
  assert.equal(none.inTime.product.last, 0)
  assert.equal(breaker?.diedAtMs, undefined, JSON.stringify(breaker))
  assert.ok(breaker!.inFlight.mean < none.inFlight.mean)
  assert.match(printed.join('\n'), /storefront died after/)

  const linesOf = (name: string) =>
    readFileSync(join(outDir, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { stage: string; service?: string; event?: string })
  assert.equal(linesOf('requests.jsonl').length, seen[0]!.visits.length + seen[1]!.visits.length)
  assert.deepEqual(new Set(linesOf('samples.jsonl').map(({ service }) => service)), new Set(SERVICES))
  assert.equal(linesOf('events.jsonl').filter(({ event }) => event === 'died').length, 1)
  assert.match(readFileSync(join(outDir, 'processes.log'), 'utf8'), /heap out of memory/)
  assert.match(chart(seen), /storefront dies/)
})
