import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SubjectReport } from 'seaworthy/event-sourcing'
import { supervised } from '../supervised.ts'

const reports: Readonly<Record<string, SubjectReport>> = {
  customers: { subject: 'ada', key: 'unknown', places: [{ kind: 'other', name: 'customers', count: 1, form: 'clear' }] },
  payments: { subject: 'ada', key: 'kept', places: [{ kind: 'stream', name: 'payment-1', count: 2, form: 'encrypted' }] },
}

test('events erasure-report asks every service, and fails on demand while somebody can still be read', async (t) => {
  let answers = reports
  const { run } = await supervised(t, { 'erasure-report': (_, service) => answers[service] }, [
    'gateway',
    'customers',
    'payments',
    'payments',
  ])
  assert.deepEqual(await run('events', 'erasure-report', 'ada'), {
    code: 0,
    lines: [
      'customers: 1 place',
      '    other  customers  1  in the clear',
      'payments: the key is kept; 1 place',
      '    stream  payment-1  2  encrypted, and opens',
    ],
  })
  const readable = await run('events', 'erasure-report', 'ada', '--forgotten')
  assert.deepEqual([readable.code, readable.lines.at(-1)], [1, 'ada can still be read in customers, payments.'])
  assert.equal((await run('events', 'erasure-report', 'ada', '--forgotten', '--service=customers')).code, 1)
  answers = { customers: { ...reports['customers']!, places: [] }, payments: { ...reports['payments']!, key: 'forgotten' } }
  assert.deepEqual(await run('events', 'erasure-report', 'ada', '--forgotten'), {
    code: 0,
    lines: ['customers: nothing of them', 'payments: the key is gone; 1 place', '    stream  payment-1  2  encrypted for ever'],
  })
  assert.deepEqual(JSON.parse((await run('events', 'erasure-report', 'ada', '--json')).lines.join('\n')), answers)
})

test('events forget says who asks, and fails while bytes may be left', async (t) => {
  let remains: readonly string[] = ['The log is archived.']
  const report = { ...reports['customers']!, places: [] }
  const { run, asked } = await supervised(t, { 'forget-subject': () => ({ atMs: 7, remains, report }) })
  assert.equal((await run('events', 'forget', 'ada')).code, 2)
  assert.deepEqual(await run('events', 'forget', 'ada', '--service=customers'), {
    code: 1,
    lines: ['customers: nothing of them', 'The log is archived.'],
  })
  remains = []
  assert.equal((await run('events', 'forget', 'ada', '--service=customers')).code, 0)
  assert.deepEqual(asked.map(({ subject, by }) => [subject, /command line/.test(String(by))]), [['ada', true], ['ada', true]]) // prettier-ignore
})
