import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Answer } from './customers.ts'
import type { Figures } from './figures.ts'
import { run } from './run.ts'
import type { SideName } from './sides.ts'
import type { BothSides } from './verdict.ts'

test('a crash in payments takes the whole monolith down and not the services, which got the same arrivals; nobody loses an order', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  // As the lab does, for less long, and at rates that a busy machine holds.
  const plan = {
    seed: 7,
    isStartedTwice: false,
    warmUp: { perSecond: 20, seconds: 1.5 },
    mixed: { perSecond: 20, seconds: 1 },
    idleMs: 300,
    reads: { perSecond: 20, seconds: 0.5 },
    checkouts: { perSecond: 5, seconds: 0.5 },
    ladder: { perSecond: [10], seconds: 1 },
    // So many, and for so long, that somebody comes while the process is away, however late a busy machine ends it.
    disturbed: { perSecond: 40, seconds: 5 },
    disturbedAtMs: 500,
  }
  const isAsPromised = await run({ outDir, print: (text) => void printed.push(...text.split('\n')) }, plan)
  assert.equal(isAsPromised, true, printed.join('\n'))

  const figures = JSON.parse(readFileSync(join(outDir, 'figures.json'), 'utf8')) as BothSides
  const down = ({ crash }: Figures) => crash.meanwhile.browse
  assert.equal(down(figures.monolith).served, 0)
  assert.ok(down(figures.microservices).served > 0)

  // Anybody can count again from the evidence alone.
  const requests = readFileSync(join(outDir, 'requests.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer & { readonly side: SideName })
  const of = (side: SideName) => requests.filter((request) => request.side === side)
  const wishes = (side: SideName) =>
    of(side).map(({ phase, kind, atMs, productId, customerId }) => [phase, kind, atMs, productId, customerId])
  assert.deepEqual(wishes('monolith'), wishes('microservices'))
  assert.equal(of('monolith').filter(({ phase }) => !phase.startsWith('ladder')).length, figures.monolith.arrivals)
  assert.match(readFileSync(join(outDir, 'monolith-or-microservices.svg'), 'utf8'), /microservices: a crash in payments/)
  assert.ok(printed.some((line) => line.includes('When not to leave the monolith')))
})
