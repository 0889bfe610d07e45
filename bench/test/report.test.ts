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

test('a metric that is broken is said to be, and the others are measured', async () => {
  const broken = { name: 'broken', ...described, count: async () => Promise.reject(new Error('The proxy ended.')) }
  const nothing = { name: 'nothing', ...described, series: async () => ({ rounds: [] }) }
  const whole = { name: 'whole', ...described, note: 'Once.', series: async () => ({ rounds: [{ ours: 0, peer: 1 }], remark: 'Of 7.' }) }
  const result = await runSuite({ name: 'losses', metrics: [broken, nothing, whole] }, { quick: true }, () => undefined)
  assert.match(reportMetric(result.metrics[0]!), /^broken: FAILED\. Error: The proxy ended\./)
  assert.match(result.metrics[1]!.failure!, /nothing measured nothing/)
  assert.deepEqual([result.metrics[2]!.ok, result.metrics[2]!.note], [true, 'Once. Of 7.'])
  assert.match(reportSuite(result), /1 of 3 targets reached; failed: broken, nothing$/)
})
