import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { askService, supervise } from '@seaworthy/supervisor'
import { run } from './run.ts'
import { system } from './system.ts'

test('the naive service loses events under kill -9, the outbox none, and each leaves its evidence', async (t) => {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-lab-test-'))
  t.after(() => rmSync(outDir, { recursive: true }))
  const printed: string[] = []
  // As the lab does, with fewer orders.
  const isAsPromised = await run({ outDir, print: (text) => printed.push(...text.split('\n')), orders: 160, seed: 7 })
  assert.equal(isAsPromised, true, printed.join('\n'))

  const row = (title: string) =>
    printed
      .find((line) => line.trim().startsWith(title))!
      .split(/\s+/)
      .slice(-2)
      .map(Number)
  const [naiveLost, outboxLost] = row('events lost') as [number, number]
  assert.ok(naiveLost > 0)
  assert.equal(outboxLost, 0)
  assert.deepEqual(row('duplicate effects, with inbox'), [0, 0])
  for (const step of ['(1)', '(2)', '(3)', '(4)', '(5)'])
    assert.ok(
      printed.some((line) => line.includes(step)),
      step,
    )
  assert.match(printed.at(-2) ?? '', /evidence/)

  const lines = (way: string, name: string) =>
    readFileSync(join(outDir, way, `${name}.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  // Anybody can count again from the evidence alone.
  for (const [way, lost] of [
    ['naive', naiveLost],
    ['outbox', outboxLost],
  ] as const) {
    assert.equal(lines(way, 'requests').length, 160)
    const told = new Set(lines(way, 'events').map(({ orderId }) => orderId))
    assert.equal(lines(way, 'orders').filter(({ orderId }) => !told.has(orderId)).length, lost)
    assert.ok(lines(way, 'kills').some(({ service }) => service === 'orders'))
    assert.ok(lines(way, 'deliveries').length >= lines(way, 'events').length)
  }
  assert.match(readFileSync(join(outDir, 'timeline.html'), 'utf8'), /^<!doctype html>[^]*events lost/)

  // What is left can be started again, and looked at.
  const dataDir = join(outDir, 'outbox')
  const services = system.services.filter(({ role }) => role !== 'console')
  const running = await supervise({ system: { ...system, services }, dataDir })
  t.after(() => running.stop())
  await running.untilReady()
  const ask = (service: string) =>
    askService({ service, question: 'messages', parameters: {} }, { dataDir, signal: AbortSignal.timeout(20_000) })
  const { outbox, topics } = await ask('orders')
  assert.equal(outbox?.backlog.messages, 0)
  assert.equal(topics[0]!.records, lines('outbox', 'events').length)
  const { consumers } = await ask('shipping')
  assert.deepEqual(
    consumers.map(({ group, state }) => [group, state]),
    [
      ['without-inbox', 'running'],
      ['with-inbox', 'running'],
    ],
  )
})
