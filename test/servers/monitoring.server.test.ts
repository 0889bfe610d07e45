import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { checkout, createCustomer, type Product, request } from '../end-to-end/client.ts'
import { seaworthy } from '../end-to-end/command.ts'
import { type Shop, startShop, until } from '../end-to-end/shop.ts'
import { type YamlValue, yaml } from '../../packages/cli/src/monitoring/yaml.ts'
import { installPrometheus, type PrometheusServer, promtool, startPrometheus } from './prometheus.ts'

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

/** What `seaworthy monitoring` writes for the shop. */
async function written(...options: readonly string[]) {
  const out = mkdtempSync(join(tmpdir(), 'seaworthy-monitoring-'))
  try {
    await seaworthy(['monitoring', 'shop/system.ts', `--out=${out}`, ...options])
    const read = (name: string) => readFileSync(join(out, name), 'utf8')
    const dashboards = globSync('*.json', { cwd: join(out, 'dashboards') }).map((name) => read(`dashboards/${name}`))
    return { files: { 'prometheus.yml': read('prometheus.yml'), 'rules.yml': read('rules.yml') }, dashboards }
  } finally {
    rmSync(out, { recursive: true })
  }
}

suite('what is written for Prometheus, looked at by promtool', () => {
  let files: Readonly<Record<string, string>>
  before(async () => {
    await installPrometheus()
    files = (await written()).files
  })

  test('configuration and rules are good', () => {
    const config = promtool(['check', 'config', 'prometheus.yml'], { files })
    assert.equal(config.status, 0, config.printed)
    const rules = promtool(['check', 'rules', 'rules.yml'], { files })
    assert.equal(rules.status, 0, rules.printed)
    assert.match(rules.printed, /SUCCESS: \d\d rules found/)
  })

  /** One value a quarter of a minute, for `minutes`. */
  const steady = (value: string, minutes: number) => `${value}x${minutes * 4}`
  const up = [
    'console',
    'gateway',
    'monolith',
    'orders',
    'inventory',
    'payments',
    'shipping',
    'notifications',
    'analytics',
    'order-history',
    'storefront',
  ]
  const allUp = up.map((service) => ({ series: `up{service="${service}",instance="${service}-1"}`, values: steady('1+0', 20) }))
  /** Alerts by their labels; where several of one name fire, with their number before it. */
  type Alerts = readonly (string | number)[]
  const firing = (minutes: number, alerts: Alerts): YamlValue => ({
    interval: '15s',
    input_series: [],
    promql_expr_test: [
      {
        expr: 'count by (alertname, service) (ALERTS{alertstate="firing"})',
        eval_time: `${minutes}m`,
        exp_samples: alerts.flatMap((labels, index) => {
          const before = alerts[index - 1]
          return typeof labels === 'number' ? [] : [{ labels, value: typeof before === 'number' ? before : 1 }]
        }),
      },
    ],
  })
  const fires = (series: readonly { readonly series: string; readonly values: string }[], minutes: number, alerts: Alerts) => {
    const tests = [{ ...(firing(minutes, alerts) as object), input_series: [...allUp, ...series] }]
    const rulesTest = yaml({ rule_files: ['rules.yml'], evaluation_interval: '15s', tests })
    return promtool(['test', 'rules', 'test.yml'], { files: { ...files, 'test.yml': rulesTest } })
  }

  const requests = (service: string, status: string, values: string) => ({
    series: `http_server_request_duration_seconds_count{service="${service}",instance="${service}-1",http_response_status_code="${status}"}`,
    values,
  })

  const cases: Readonly<Record<string, Parameters<typeof fires>>> = {
    'nothing, where all is well': [[requests('orders', '201', steady('0+100', 20))], 15, []],
    'a service that fails two of a hundred requests, and not one that fails one of ten thousand': [
      [
        requests('orders', '201', steady('0+98', 20)),
        requests('orders', '503', steady('0+2', 20)),
        requests('storefront', '200', steady('0+9999', 20)),
        requests('storefront', '500', steady('0+1', 20)),
      ],
      15,
      [3, '{alertname="ErrorBudgetBurn",service="orders"}'],
    ],
    'a caller who asks for what is not there: that is no failure of the service': [
      [requests('orders', '404', steady('0+100', 20))],
      15,
      [],
    ],
    'an event that waits in its outbox': [
      [{ series: 'seaworthy_outbox_oldest_seconds{service="orders",instance="orders-1"}', values: steady('0+15', 20) }],
      7,
      ['{alertname="OutboxLag",service="orders"}'],
    ],
    'a breaker that is open, though it is half-open now and then': [
      [
        {
          series: 'seaworthy_circuit_state{service="orders",instance="orders-1",policy="payments",state="closed"}',
          values: '1 1 0 0 0 0 0 0 0 0',
        },
        {
          series: 'seaworthy_circuit_state{service="orders",instance="orders-1",policy="payments",state="open"}',
          values: '0 0 1 0 1 0 1 0 1 0',
        },
      ],
      2,
      ['{alertname="CircuitOpen",service="orders"}'],
    ],
    'attempts that are nearly as long as the caller waits': [
      ['0.75', '1', '+Inf'].map((le) => ({
        series: `rpc_client_call_duration_seconds_bucket{service="orders",instance="orders-1",policy="payments",le="${le}"}`,
        values: steady(le === '0.75' ? '0+50' : '0+100', 20),
      })),
      15,
      ['{alertname="DependencySlow",service="orders"}'],
    ],
    'a saga that waits for a person, and a dead letter': [
      [
        { series: 'seaworthy_sagas{service="orders",instance="orders-1",state="parked"}', values: steady('1+0', 20) },
        {
          series: 'seaworthy_dead_letters{service="analytics",instance="analytics-1",source="consumer:analytics"}',
          values: steady('2+0', 20),
        },
      ],
      1,
      ['{alertname="SagaParked",service="orders"}', '{alertname="DeadLetters",service="analytics"}'],
    ],
  }
  for (const [what, [series, minutes, alerts]] of Object.entries(cases)) {
    test(`people hear of ${what}`, () => {
      const { status, printed } = fires(series, minutes, alerts)
      assert.equal(status, 0, printed)
    })
  }

  test('people hear of a service that is gone', () => {
    const gone = allUp.filter(({ series }) => !series.includes('payments'))
    const tests = [{ ...(firing(7, ['{alertname="ServiceAbsent",service="payments"}']) as object), input_series: gone }]
    const { status, printed } = promtool(['test', 'rules', 'test.yml'], {
      files: { ...files, 'test.yml': yaml({ rule_files: ['rules.yml'], evaluation_interval: '15s', tests }) },
    })
    assert.equal(status, 0, printed)
  })
})

suite('a shop that a real Prometheus watches', () => {
  let shop: Shop
  let prometheus: PrometheusServer
  let dashboards: readonly string[]
  before(async () => {
    await installPrometheus()
    shop = await startShop({ readyTimeoutMs: 120_000 })
    const { files, ...others } = await written(`--console=${shop.console}`)
    dashboards = others.dashboards
    // Nobody wants to wait for a quarter of a minute here.
    const config = files['prometheus.yml'].replaceAll(': 15s', ': 1s').replaceAll(": '15s'", ": '1s'")
    prometheus = await startPrometheus({ ...files, 'prometheus.yml': config })
  })
  after(async () => {
    await prometheus?.stop()
    await shop?.stop()
  })

  const get = async <Data>(path: string): Promise<Data> => {
    const { body } = await request<{ status: string; error?: string; data: Data }>(`${prometheus.url}/api/v1/${path}`)
    assert.equal(body.status, 'success', body.error)
    return body.data
  }
  const query = async (expr: string): Promise<readonly Sample[]> =>
    (await get<{ result: readonly Sample[] }>(`query?${new URLSearchParams({ query: expr })}`)).result
  const figure = async (expr: string) => Number((await query(expr))[0]?.value[1] ?? Number.NaN)

  let customerId: string
  let product: Product
  const buy = (card = 'ok') => checkout(shop.gateway, { customerId, lines: [{ productId: product.id, quantity: 1 }], card })

  /** Pages, the history of orders, figures of the shop. */
  const lookAround = async () => {
    const ofCustomer = `api/customers/${customerId}/orders`
    for (const path of ['', `products/${product.id}`, ofCustomer, `${ofCustomer}/composed`, 'api/analytics/summary'])
      assert.equal((await fetch(`${shop.gateway}/${path}`)).status, 200, path)
  }

  test('finds every process by the console, and counts what they do', async () => {
    const names = shop.processes().map(({ name }) => name)
    await until(async () => (await figure('sum(up)')) === names.length, {
      timeoutMs: 60_000,
      what: `${names.length} processes to be scraped`,
    })
    const seen = (await query('up')).map(({ metric }) => `${metric['service']} ${metric['instance']}`)
    assert.deepEqual(seen.toSorted(), names.map((name) => `${name} ${name}-1`).toSorted())

    customerId = await createCustomer(shop.gateway, 'Ada Lovelace')
    product = (await request<{ items: readonly Product[] }>(`${shop.gateway}/api/products`)).body.items[0]!
    const ordersBefore = await figure('seaworthy_relay_sent_total{service="orders"}')
    for (let bought = 0; bought < 3; bought++) assert.equal((await buy()).body.status, 'completed')
    const exactly = {
      'sum(http_server_request_duration_seconds_count{service="orders",http_route="/api/checkout",http_response_status_code="201"})': 3,
      'seaworthy_sagas{service="orders",state="completed"}': 3,
      'sum(seaworthy_dead_letters)': 0,
    }
    // A step that was given up after a second is asked again.
    const atLeast = {
      'sum(http_server_request_duration_seconds_count{service="gateway",http_request_method="POST",http_response_status_code="201",upstream="orders"})': 3,
      'sum(rpc_server_call_duration_seconds_count{service="payments",rpc_response_status_code="OK"})': 3,
      'sum(rpc_client_call_duration_seconds_count{service="orders",policy="payments",rpc_response_status_code="OK"})': 3,
      'sum(seaworthy_calls_total{service="orders",policy="inventory",outcome="succeeded"})': 3,
    }
    for (const [expr, expected] of Object.entries({ ...exactly, ...atLeast }))
      await until(async () => (await figure(expr)) >= expected, { timeoutMs: 20_000, what: `${expr} to be ${expected}` })
    for (const [expr, expected] of Object.entries(exactly)) assert.equal(await figure(expr), expected, expr)
    assert.ok((await figure('seaworthy_relay_sent_total{service="orders"}')) > ordersBefore, 'events were published')
  })

  test('what processes tell is in order', async () => {
    for (const { metric } of await query('up')) {
      const { activeTargets } = await get<{ activeTargets: readonly { scrapeUrl: string; labels: Record<string, string> }[] }>(
        'targets?state=active',
      )
      const target = activeTargets.find(({ labels }) => labels['instance'] === metric['instance'])!
      const text = await (await fetch(target.scrapeUrl)).text()
      const { status, printed } = promtool(['check', 'metrics'], { stdin: text })
      // 3 is what its style says of names; they are OpenTelemetry's and those of prom-client.
      assert.ok(status === 0 || status === 3, `${metric['instance']}: ${printed}`)
      assert.doesNotMatch(printed, /error while linting/, printed)
    }
  })

  test('rules are loaded, all of them can be computed, and the alert of an open breaker fires', async () => {
    const payments = ['fault', 'payments', '--data-dir', shop.dataDir]
    await seaworthy([...payments, '--errors', '100%'])
    try {
      const open = () => query('ALERTS{alertname="CircuitOpen",alertstate="firing",service="orders",policy="payments",severity="page"}')
      await until(async () => (await Promise.all([buy(), buy(), buy(), buy()])) && (await open()).length === 1, {
        timeoutMs: 120_000,
        what: 'the alert to fire',
      })
      const { groups } = await get<{ groups: readonly { rules: readonly { name: string; health: string; lastError?: string }[] }[] }>(
        'rules',
      )
      const rules = groups.flatMap((group) => group.rules)
      assert.ok(rules.length > 80, `${rules.length} rules`)
      assert.deepEqual(
        rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`),
        [],
      )
      assert.ok((await figure('service:request_errors:ratio_rate5m{service="payments"}')) > 0.5)
      // Not a number where it was hardly asked: nothing of nothing.
      const ofShipping = await figure('service:request_errors:ratio_rate5m{service="shipping"}')
      assert.ok(ofShipping === 0 || Number.isNaN(ofShipping), `shipping fails ${ofShipping}`)
    } finally {
      await seaworthy([...payments, '--clear'])
    }
  })

  test('every chart of the dashboards has a question that Prometheus answers, and those of a shop at work have data', async () => {
    const charts = dashboards
      .map((text) => JSON.parse(text) as { title: string; panels: readonly { title: string; targets?: readonly { expr: string }[] }[] })
      .flatMap(({ title, panels }) =>
        panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => ({ of: `${title} / ${panel.title}`, expr }))),
      )
    assert.ok(charts.length > 150, `${charts.length} questions`)
    const isRare = (chart: string) => RARE.some((rare) => rare.test(chart))
    let empty: string[] = []
    const ask = async () => {
      // A rate is known of what was there before it grew.
      await lookAround()
      empty = []
      for (const { of, expr } of charts) {
        const chart = `${of}: ${expr}`
        if ((await query(expr)).length === 0 && !isRare(chart)) empty.push(chart)
      }
      return empty.length === 0
    }
    await until(ask, { timeoutMs: 60_000, what: () => `data for ${empty.join('\n')}` })
  })
})

/** What has no series until it happens, and need not have happened here. */
const RARE: readonly RegExp[] = [
  /seaworthy_calls_rejected_total|seaworthy_retries_total|error_type!=""/,
  /circuit_state\{state="closed"\} > 0$/,
  // It is asked for nothing: letters are written because of events.
  /^shop: notifications \/ (?:Rate|Errors|Duration)/,
  // Baskets are cookies: it writes nothing, and reads no database of its own.
  /^shop: storefront \/ (?:Transactions|p99)/,
  // Nobody signed in, looked at an order, or bought something by the pages.
  /^shop: storefront \/ Duration of attempts.*policy="(?:customers|orders\/status|orders\/checkout)"/,
]
