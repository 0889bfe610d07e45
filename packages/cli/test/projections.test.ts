import assert from 'node:assert/strict'
import { test } from 'node:test'
import { supervised } from './supervised.ts'

const versions = [
  { version: 1, lag: 0, parked: 0, failing: 0 },
  { version: 2, lag: 0, parked: 1, failing: 0 },
  { version: 3, lag: 120, parked: 0, failing: 1 },
]

test('projections list shows each version, and which one answers', async (t) => {
  const projections = [{ projection: 'sums', live: 2, previous: 1, versions }]
  const { run } = await supervised(t, { projections: (_, service) => (service === 'payments' ? { projections } : undefined) }, [
    'gateway',
    'payments',
  ])
  assert.deepEqual(await run('projections', 'list'), {
    code: 0,
    lines: [
      'service   projection  version  role                       behind  parked',
      'payments  sums        1        to go back to              0       0',
      'payments  sums        2        answers                    0       1',
      'payments  sums        3        is being built, and fails  120     0',
    ],
  })
  assert.deepEqual(JSON.parse((await run('projections', 'list', '--json', '--service=payments')).lines.join('\n')), {
    payments: projections,
  })
  const nobody = await supervised(t, {}, ['gateway'])
  assert.deepEqual(await nobody.run('projections', 'list'), { code: 0, lines: ['No service that runs has one.'] })
})

test('projections rebuild and go-back say what answers now, and who asked', async (t) => {
  let isLong = false
  const { run, asked } = await supervised(t, {
    'rebuild-projection': () => (isLong ? { kind: 'building' } : { kind: 'switched', from: 1, to: 2, compared: 7, differing: 1 }),
    'go-back-projection': () => ({ from: 2, to: 1 }),
  })
  assert.deepEqual(await run('projections', 'rebuild', 'sums', '--service=payments'), {
    code: 0,
    lines: ['Version 2 answers in place of 1: 7 documents are what a replay makes of them, 1 of them differ from before.'],
  })
  isLong = true
  assert.match((await run('projections', 'rebuild', 'sums', '--service=payments')).lines[0]!, /projections list/)
  assert.deepEqual((await run('projections', 'go-back', 'sums', '--service=payments')).lines, ['Version 1 answers again in place of 2.'])
  assert.deepEqual(asked.map(({ projection }) => projection), ['sums', 'sums', 'sums']) // prettier-ignore
  assert.ok(asked.every(({ by }) => /command line/.test(String(by))))
  assert.equal((await run('projections', 'rebuild', 'sums')).code, 2)
})
