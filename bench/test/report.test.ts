import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportMetric, reportSuite } from '../harness/report.ts'
import { runSuite } from '../harness/run-suite.ts'
import type { MetricResult, Suite } from '../harness/suite.ts'

const described = { unit: 'messages', better: 'lower', peer: 'none', target: { oursMax: 0 } } as const
const suite: Suite = {
  name: 'losses',
  metrics: [
    { name: 'lost', ...described, count: async () => ({ ours: 0, peer: 0 }) },
    { name: 'regressed', ...described, count: async () => ({ ours: 2, peer: 0 }) },
    {
      name: 'elsewhere',
      ...described,
      missing: async () => 'It needs a Kafka.',
      count: () => assert.fail('measured without what it needs'),
    },
  ],
}

test('what cannot be measured here is said, is not measured, and counts neither as reached nor as missed', async () => {
  const results: MetricResult[] = []
  const result = await runSuite(suite, { quick: false }, (metric) => results.push(metric))
  assert.deepEqual(
    results.map(({ name, rounds, ok, missing }) => ({ name, rounds: rounds.length, ok, missing })),
    [
      { name: 'lost', rounds: 1, ok: true, missing: undefined },
      { name: 'regressed', rounds: 1, ok: false, missing: undefined },
      { name: 'elsewhere', rounds: 0, ok: false, missing: 'It needs a Kafka.' },
    ],
  )
  assert.equal(reportMetric(results[2]!), 'elsewhere: NOT MEASURED. It needs a Kafka.')
  assert.match(reportSuite(result), /1 of 3 targets reached; missed: regressed; not measured: elsewhere$/)
})
