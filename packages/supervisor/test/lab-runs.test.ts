import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { beginLabRun, labFigure, labReport, labRuns, writeLabReport } from '@seaworthy/supervisor'

function labsFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'lab-runs-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const BEGAN_MS = Date.parse('2026-11-27T03:40:00Z')
const report = (lab: string, startedAtMs: number) =>
  ({ lab, summary: `What ${lab} shows`, startedAtMs, tookMs: 90_000, outcome: 'as promised', printed: 'a table' }) as const

test('runs are listed with the newest first, and those that have not ended are not', (t) => {
  const labs = labsFolder(t)
  assert.deepEqual(labRuns(join(labs, 'not there')), [])
  const first = beginLabRun(labs, 'dual-write', BEGAN_MS)
  writeLabReport(first, report('dual-write', BEGAN_MS))
  // Within the same second.
  const second = beginLabRun(labs, 'dual-write', BEGAN_MS)
  const other = beginLabRun(labs, 'simulate', BEGAN_MS + 60_000)
  writeLabReport(other, report('simulate', BEGAN_MS + 60_000))
  assert.notEqual(second, first)
  assert.deepEqual(
    labRuns(labs).map(({ lab, run }) => [lab, run]),
    [
      ['simulate', basename(other)],
      ['dual-write', basename(first)],
    ],
  )
})

test('of one lab ten runs are kept, those that were broken off among them', (t) => {
  const labs = labsFolder(t)
  for (let second = 0; second < 15; second++) {
    const folder = beginLabRun(labs, 'simulate', BEGAN_MS + second * 1_000)
    if (second % 2 === 0) writeLabReport(folder, report('simulate', BEGAN_MS + second * 1_000))
  }
  assert.equal(readdirSync(join(labs, 'simulate')).length, 10)
  assert.equal(labRuns(labs, 'simulate')[0]!.startedAtMs, BEGAN_MS + 14_000)
})

test('a report names its figures, and no name leads out of its folder', (t) => {
  const labs = labsFolder(t)
  const folder = beginLabRun(labs, 'simulate', BEGAN_MS)
  writeFileSync(join(folder, 'chart.svg'), '<svg/>')
  writeFileSync(join(folder, 'evidence.jsonl'), '')
  mkdirSync(join(folder, 'services'))
  writeLabReport(folder, { ...report('simulate', BEGAN_MS), printed: 'x'.repeat(100_000) })
  const run = basename(folder)
  const found = labReport(labs, 'simulate', run)
  assert.deepEqual(found?.figures, ['chart.svg'])
  assert.ok(found.printed.length < 65_000)
  assert.equal(labFigure(labs, { lab: 'simulate', run, figure: 'chart.svg' })?.toString(), '<svg/>')
  for (const figure of ['lab.json', 'evidence.jsonl', '../chart.svg', 'other.svg'])
    assert.equal(labFigure(labs, { lab: 'simulate', run, figure }), undefined, figure)
  for (const [lab, of] of [
    ['..', 'simulate'],
    ['simulate', '..'],
    ['simulate', '.'],
  ] as const)
    assert.equal(labReport(labs, lab, of), undefined)
})
