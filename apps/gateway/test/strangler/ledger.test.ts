import assert from 'node:assert/strict'
import { appendFileSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigurationError } from 'seaworthy/core'
import { Ledger, type LedgerEntry } from '../../src/strangler/ledger.ts'
import { temporaryFolder } from './rig.ts'

const entry = (toPercent: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  atMs: 1,
  kind: 'shift',
  route: 'reviews',
  to: 'reviews',
  fromPercent: 0,
  toPercent,
  who: 'ada',
  why: 'a test',
  ...more,
})

describe('the ledger', () => {
  test('knows after a restart what every share was, of tenants too, and why', async (t) => {
    const folder = temporaryFolder(t)
    const ledger = await Ledger.open(folder)
    await Promise.all(
      [entry(1), entry(10), entry(50, { tenant: 'acme' }), entry(80, { kind: 'refused' })].map((each) => ledger.append(each)),
    )
    await ledger.writeFigures(new Map([['reviews', { requests: { from: 7, to: 3 }, errors: { from: 0, to: 1 } }]]))
    await ledger.close()
    const again = await Ledger.open(folder)
    t.after(() => again.close())
    assert.equal(again.shareOf('reviews', 'reviews'), 10)
    assert.deepEqual([...again.tenantSharesOf('reviews', 'reviews')], [['acme', 50]])
    assert.deepEqual(
      again.entries.map(({ toPercent, kind }) => [kind, toPercent]),
      [
        ['shift', 1],
        ['shift', 10],
        ['shift', 50],
        ['refused', 80],
      ],
    )
    assert.deepEqual(again.counts.get('reviews'), { requests: { from: 7, to: 3 }, errors: { from: 0, to: 1 } })
  })

  test('gives a route that moves elsewhere now nothing of its old share', async (t) => {
    const ledger = await Ledger.open(temporaryFolder(t))
    t.after(() => ledger.close())
    await ledger.append(entry(100))
    await ledger.append(entry(100, { tenant: 'acme' }))
    assert.equal(ledger.shareOf('reviews', 'reviews-v2'), undefined)
    assert.equal(ledger.tenantSharesOf('reviews', 'reviews-v2').size, 0)
  })

  test('has nothing of an entry that a full disk cut off, so that the next one can be read', async (t) => {
    const folder = temporaryFolder(t)
    const ledger = await Ledger.open(folder)
    await ledger.append(entry(10))
    const handle = await open(join(folder, 'changes.jsonl'))
    const files = Object.getPrototypeOf(handle) as typeof handle
    await handle.close()
    const full = t.mock.method(files, 'appendFile', async function (this: typeof handle, text: string) {
      await this.write(text.slice(0, 20))
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    })
    await assert.rejects(ledger.append(entry(50)), /ENOSPC/)
    full.mock.restore()
    assert.equal(ledger.shareOf('reviews', 'reviews'), 10)
    await ledger.append(entry(20))
    await ledger.close()
    const again = await Ledger.open(folder)
    t.after(() => again.close())
    assert.deepEqual(
      again.entries.map(({ toPercent }) => toPercent),
      [10, 20],
    )
  })

  test('drops a last line that a crash cut off, and writes on behind what is whole', async (t) => {
    const folder = temporaryFolder(t)
    const ledger = await Ledger.open(folder)
    await ledger.append(entry(10))
    await ledger.close()
    const path = join(folder, 'changes.jsonl')
    appendFileSync(path, JSON.stringify(entry(100)).slice(0, -3))
    const again = await Ledger.open(folder)
    assert.equal(again.shareOf('reviews', 'reviews'), 10)
    await again.append(entry(20))
    await again.close()
    assert.deepEqual(
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as LedgerEntry).toPercent),
      [10, 20],
    )
  })

  test('does not begin on lines that it did not write', async (t) => {
    const folder = temporaryFolder(t)
    await (await Ledger.open(folder)).close()
    appendFileSync(join(folder, 'changes.jsonl'), '{"route":"reviews"}\n')
    await assert.rejects(
      Ledger.open(folder),
      (error: unknown) => error instanceof ConfigurationError && /line 1, is no entry/.test(error.message),
    )
  })
})
