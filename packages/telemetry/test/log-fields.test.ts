import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { observed, rootContext, SeaworthyError, withContext } from 'seaworthy/core'
import { startTelemetry } from '../src/index.ts'

const page = readFileSync(new URL('../../../docs/5-observability/keep-what-you-have.md', import.meta.url), 'utf8')

interface Row {
  readonly field: string
  readonly ecs: string
  readonly splunk: string
}

/** The table of fields. */
const rows: readonly Row[] = [...page.matchAll(/^\| `([\w.]+)` \| [^|]* \| `([\w.@]+)` \| `([\w.]+)` \|$/gm)].map(
  ([, field, ecs, splunk]) => ({
    field: field!,
    ecs: ecs!,
    splunk: splunk!,
  }),
)

/** A line with all that the logger adds by itself. */
async function fullLine(t: TestContext): Promise<Record<string, unknown>> {
  const lines: string[] = []
  const telemetry = startTelemetry({ service: 'orders', instance: 'orders-1', logDestination: { write: (line) => void lines.push(line) } })
  t.after(() => telemetry.shutdown())
  const err = new SeaworthyError('unknown-outcome', 'No answer.', { executed: 'maybe', retryAfterMs: 5, cause: new Error('reset') })
  const operation = () => ({ name: 'work', kind: 'server' as const, attributes: {} })
  await withContext(rootContext(), () => observed('test.fields').run(operation, async () => telemetry.logger.error({ err }, 'it failed')))
  return JSON.parse(lines[0]!) as Record<string, unknown>
}

/** `err.cause` is one field, however deep. */
const namesOf = ({ err, ...line }: Record<string, unknown>) => [
  ...Object.keys(line),
  ...Object.keys(err as object).map((name) => `err.${name}`),
]

test('every field that the logger writes has a place in Elastic and in Splunk', async (t) => {
  const written = namesOf(await fullLine(t))
  assert.deepEqual(written.toSorted(), rows.map(({ field }) => field).toSorted())
})

test('Filebeat puts each field where the table says', () => {
  const renamed = new Map([...page.matchAll(/\{ from: seaworthy\.([\w.]+), to: ([\w.]+) \}/g)].map(([, from, to]) => [from, to]))
  // Times are parsed, and some fields stay where they are decoded to.
  renamed.set('time', /timestamp:\n +field: seaworthy\.time\n/.test(page) ? '@timestamp' : 'nowhere')
  for (const { field, ecs } of rows) if (ecs === `seaworthy.${field}`) renamed.set(field, ecs)
  assert.deepEqual(Object.fromEntries(renamed), Object.fromEntries(rows.map(({ field, ecs }) => [field, ecs])))
})

test('a Collector and a forwarder give Splunk the same names', () => {
  const aliases = new Map([...page.matchAll(/(\w+) AS ([\w.]+)/g)].map(([, from, to]) => [from, to]))
  const moved = new Map(
    [...page.matchAll(/from: attributes\.(\w+), to: '?(?:resource\["([\w.]+)"\]|(body))/g)].map(([, from, resource, body]) => [
      from,
      resource ?? body,
    ]),
  )
  for (const { field, splunk } of rows) {
    if (field.startsWith('err.') || splunk === field) continue
    if (field === 'time') assert.match(page, /parse_from: attributes\.time,[^]*TIME_PREFIX = "time":"/)
    else if (field === 'msg') assert.equal(moved.get('msg'), 'body')
    else assert.equal(aliases.get(field), splunk, field)
    if (field === 'service' || field === 'instance') assert.equal(moved.get(field), splunk)
  }
  assert.match(page, /trace_id: \{ parse_from: attributes\.traceId \}\n +span_id: \{ parse_from: attributes\.spanId \}/)
  assert.match(page, /severity: \{ parse_from: attributes\.level \}/)
})
