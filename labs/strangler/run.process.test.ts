import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Booking } from './booking.ts'
import { run } from './run.ts'

test('the monolith is taken apart under its users, who miss nothing, and the same faults at once are seen by all', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  // As the lab does, with fewer users and shorter looks.
  const options = { users: 8, bigBangMs: 2_000, dwellMs: 2_000, comparedMin: { careless: 20, mended: 50, catalog: 10 } }
  const isAsPromised = await run({ outDir, print: (text) => void printed.push(...text.split('\n')), seed: 7 }, options)
  assert.equal(isAsPromised, true, printed.join('\n'))

  const row = (title: string) =>
    printed
      .find((line) => line.trim().startsWith(title))!
      .trim()
      .slice(title.length)
      .trim()
  for (const title of ['failed', 'lost writes', 'written twice', 'stale reads of one’s own writes', 'wrong answers'])
    assert.equal(row(title), '0', title)

  const lines = <Line>(name: string) =>
    readFileSync(join(outDir, `${name}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  // Anybody can count again from the evidence alone.
  const bookings = lines<Booking>('requests')
  assert.equal(String(bookings.length), row('requests served'))
  assert.deepEqual(new Set(bookings.map(({ outcome }) => outcome)), new Set(['served']))
  assert.ok(bookings.some(({ asked }) => asked === 'write a review'))
  assert.ok(lines<Booking>('big-bang-requests').some(({ outcome }) => outcome === 'wrong'))
  const ledger = lines<{ kind: string; route: string; fromPercent: number; toPercent: number }>('ledger')
  const shifts = ledger.filter(
    ({ kind, route, fromPercent, toPercent }) => route === 'reviews' && kind !== 'refused' && fromPercent !== toPercent,
  )
  assert.deepEqual(
    shifts.map(({ kind, toPercent }) => `${kind} ${toPercent}`),
    ['shift 1', 'shift 50', 'shift 100', 'automatic-rollback 0', 'shift 100'],
  )
  assert.match(readFileSync(join(outDir, 'comparison-careless.txt'), 'utf8'), /customerId: missing at the service/)
})
