import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '@seaworthy/cli'
import { type JSONSchemaType, Ajv } from 'ajv'
import type { Dashboard, Panel, Row } from '../../src/monitoring/grafana/dashboard.ts'

const root = join(import.meta.dirname, '../../../..')

/** What Grafana's page "Dashboard JSON model" says of the classic model, and of what a panel of it has. */
const datasource = {
  type: 'object',
  required: ['type', 'uid'],
  properties: { type: { const: 'prometheus' }, uid: { const: '${datasource}' } },
}
const model = {
  type: 'object',
  required: [
    'id',
    'uid',
    'title',
    'tags',
    'timezone',
    'editable',
    'graphTooltip',
    'panels',
    'time',
    'templating',
    'annotations',
    'refresh',
    'schemaVersion',
    'version',
    'links',
  ],
  properties: {
    id: { type: 'null' },
    uid: { type: 'string', minLength: 8, maxLength: 40, pattern: '^[a-zA-Z0-9_-]+$' },
    title: { type: 'string', minLength: 1 },
    tags: { type: 'array', items: { type: 'string' } },
    timezone: { enum: ['utc', 'browser'] },
    editable: { type: 'boolean' },
    graphTooltip: { enum: [0, 1, 2] },
    time: { type: 'object', required: ['from', 'to'] },
    templating: {
      type: 'object',
      required: ['list'],
      properties: { list: { type: 'array', items: { type: 'object', required: ['name', 'type', 'query'] } } },
    },
    annotations: { type: 'object', required: ['list'] },
    refresh: { type: 'string', pattern: '^\\d+[smh]$' },
    schemaVersion: { type: 'integer', minimum: 17 },
    version: { type: 'integer' },
    panels: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['id', 'type', 'title', 'gridPos'],
        properties: {
          id: { type: 'integer', minimum: 1 },
          type: { enum: ['row', 'timeseries', 'stat'] },
          gridPos: {
            type: 'object',
            required: ['x', 'y', 'w', 'h'],
            additionalProperties: false,
            properties: {
              x: { type: 'integer', minimum: 0, maximum: 23 },
              y: { type: 'integer', minimum: 0 },
              w: { type: 'integer', minimum: 1, maximum: 24 },
              h: { type: 'integer', minimum: 1 },
            },
          },
          datasource,
          targets: {
            type: 'array',
            minItems: 1,
            items: {
              type: 'object',
              required: ['refId', 'expr', 'datasource'],
              properties: { refId: { pattern: '^[A-Z]$' }, expr: { minLength: 1 }, datasource },
            },
          },
        },
        oneOf: [
          { properties: { type: { const: 'row' } }, required: ['collapsed', 'panels'] },
          { properties: { type: { enum: ['timeseries', 'stat'] } }, required: ['datasource', 'targets', 'fieldConfig', 'options'] },
        ],
      },
    },
  },
}

async function written(t: { after: (clean: () => void) => void }) {
  const out = mkdtempSync(join(tmpdir(), 'monitoring-'))
  t.after(() => rmSync(out, { recursive: true }))
  const printed: string[] = []
  const code = await run(['monitoring', join(root, 'shop/system.ts'), `--out=${out}`], {
    env: {},
    print: (line) => void printed.push(line),
    printError: (line) => void printed.push(line),
  })
  assert.equal(code, 0, printed.join('\n'))
  const names = readdirSync(join(out, 'dashboards'))
  const dashboards = names.map((name) => JSON.parse(readFileSync(join(out, 'dashboards', name), 'utf8')) as Dashboard)
  return { names, dashboards }
}

test('there is a dashboard of the system and of each service, each as Grafana documents it', async (t) => {
  const { names, dashboards } = await written(t)
  assert.ok(names.includes('shop.json') && names.includes('shop-orders.json') && names.length === 12, names.join(' '))
  const validate = new Ajv({ strictTypes: false, strictRequired: false }).compile(model as unknown as JSONSchemaType<Dashboard>)
  for (const each of dashboards) assert.ok(validate(each), `${each.title}: ${JSON.stringify(validate.errors)}`)
  assert.equal(new Set(dashboards.map(({ uid }) => uid)).size, dashboards.length, 'each replaces itself alone')
})

test('panels have numbers of their own, and none lies on another or beyond the edge', async (t) => {
  for (const { title, panels } of (await written(t)).dashboards) {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const overlaps = (one: Panel | Row, other: Panel | Row) =>
      one.gridPos.x < other.gridPos.x + other.gridPos.w &&
      other.gridPos.x < one.gridPos.x + one.gridPos.w &&
      one.gridPos.y < other.gridPos.y + other.gridPos.h &&
      other.gridPos.y < one.gridPos.y + one.gridPos.h
    for (const [index, one] of panels.entries()) {
      assert.ok(one.gridPos.x + one.gridPos.w <= 24)
      for (const other of panels.slice(index + 1)) assert.ok(!overlaps(one, other), `${title}: ${one.title} and ${other.title}`)
    }
  }
})

test('a service has a row for each call that it declares, with the limit of its attempts, and for its topics', async (t) => {
  const { dashboards } = await written(t)
  const rowsOf = (title: string) =>
    dashboards
      .find((each) => each.title === title)!
      .panels.filter(({ type }) => type === 'row')
      .map((row) => row.title)
  assert.deepEqual(rowsOf('shop: orders'), [
    'Requests',
    'Calls for catalog',
    'Calls for customers',
    'Calls for inventory',
    'Calls for payments',
    'Calls for shipping',
    'Publishes orders',
    'Database',
    'Processes',
  ])
  assert.deepEqual(rowsOf('shop: console'), ['Processes'])
  const orders = dashboards.find(({ title }) => title === 'shop: orders')!.panels.filter((panel): panel is Panel => panel.type !== 'row')
  const attempts = orders.find(({ title, targets }) => title === 'Duration of attempts' && targets[0]!.expr.includes('policy="payments"'))!
  assert.deepEqual(attempts.fieldConfig.defaults.thresholds.steps.at(-1), { color: 'red', value: 1 })
})
