import { parseArgs } from 'node:util'
import { reportMetric, reportSuite } from './harness/report.ts'
import { runSuite } from './harness/run-suite.ts'
import { SUITES } from './suites/index.ts'

/**
 * `npm run bench -- SUITE [--json] [--quick] [--only METRIC]`. A benchmark reports; it asserts no timings: a missed target is said, and
 * the exit code is 0. It is 1 when a metric is broken, and 2 when there is no such suite.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, only: { type: 'string' } },
})
const [name = ''] = positionals
const load = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined
if (load === undefined) {
  console.error(`There is no suite called "${name}". Suites: ${Object.keys(SUITES).join(', ')}.`)
  process.exit(2)
}

const suite = await load()
const { only } = values
const chosen = only === undefined ? suite : { ...suite, metrics: suite.metrics.filter((metric) => metric.name.includes(only)) }
if (chosen.metrics.length === 0) {
  console.error(`No metric of ${name} has "${only}" in its name. Metrics: ${suite.metrics.map((metric) => metric.name).join(', ')}.`)
  process.exit(2)
}
const result = await runSuite(chosen, { quick: values.quick ?? false }, (metric) => {
  if (!values.json) console.log(`${reportMetric(metric)}\n`)
})
if (result.metrics.some(({ failure }) => failure !== undefined)) process.exitCode = 1
console.log(values.json ? JSON.stringify(result) : reportSuite(result))
