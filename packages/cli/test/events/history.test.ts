import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditReport } from 'seaworthy/event-sourcing'
import { supervised } from '../supervised.ts'

const atMs = Date.parse('2026-01-02T03:04:05Z')
const event = (version: number, changes: object[]) =>
  ({ version, position: version, id: `e${version}`, type: 'moved', recordedAtMs: atMs, data: {}, changes }) as never
const right: AuditReport = { events: 4, streams: 2, findings: [], findingsInAll: 0, facts: ['The books balance.'], isComplete: true }

test('events show prints what each event changed, page by page, and the state, as text that cannot write to the terminal', async (t) => {
  const asked: unknown[] = []
  const { run } = await supervised(t, {
    'event-stream': (parameters) => {
      asked.push(parameters)
      const isFirst = parameters['after'] === 0
      return {
        stream: 's',
        archivedAtMs: atMs,
        events: [isFirst ? event(1, [{ path: 'room', after: 7 }]) : event(2, [{ path: 'room', before: 7, after: 'a\u001B[31mred' }])],
        state: { room: 7 },
        isMore: isFirst,
      }
    },
  })
  const { code, lines } = await run('events', 'show', 's', '--service=visits', '--at=2')
  assert.equal(code, 0)
  assert.deepEqual(lines, [
    'Archived 2026-01-02T03:04:05.000Z.',
    '1  moved  2026-01-02T03:04:05.000Z  e1',
    '    room    + 7',
    '2  moved  2026-01-02T03:04:05.000Z  e2',
    String.raw`    room  - 7  + "a\u001b[31mred"`,
    '',
    's at version 2:',
    '{',
    '  "room": 7',
    '}',
  ])
  assert.deepEqual(asked, [
    { stream: 's', after: 0, at: { version: 2 } },
    { stream: 's', after: 1, at: { version: 2 } },
  ])
  asked.length = 0
  await run('events', 'show', 's', '--service=visits', '--at=2026-01-02T03:04:05Z')
  assert.deepEqual(asked[0], { stream: 's', after: 0, at: { timeMs: atMs } })
  assert.equal((await run('events', 'show', 's', '--service=visits', '--at=yesterday')).code, 2)
  assert.equal((await run('events', 'show', 's')).code, 2)
})

test('events audit asks every service that keeps events, and is content when all are right', async (t) => {
  const { run } = await supervised(t, { 'audit-events': (_, service) => (service === 'gateway' ? undefined : right) }, [
    'gateway',
    'payments',
  ])
  assert.deepEqual(await run('events', 'audit'), {
    code: 0,
    lines: ['payments: 4 events in 2 streams.', '  The books balance.', '  Streams have no gaps, and every event is known.'],
  })
})

test('events audit fails for what is wrong, what was not read, and when nobody keeps events', async (t) => {
  const wrong = await supervised(t, { 'audit-events': () => ({ ...right, findings: ['A gap.'], findingsInAll: 3, facts: [] }) })
  assert.deepEqual(await wrong.run('events', 'audit', '--service=payments'), {
    code: 1,
    lines: ['payments: 4 events in 2 streams.', '  WRONG: A gap.', '  and 2 findings more.'],
  })
  assert.equal((await wrong.run('events', 'audit', '--service=payments', '--json')).code, 1)
  const cut = await supervised(t, { 'audit-events': () => ({ ...right, isComplete: false }) })
  assert.equal((await cut.run('events', 'audit', '--service=payments')).code, 1)
  const nobody = await supervised(t, {}, ['gateway'])
  assert.equal((await nobody.run('events', 'audit')).code, 1)
})
