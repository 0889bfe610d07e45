import type { PolicyDeclaration } from 'seaworthy/resilience'
import type { Service, System } from 'seaworthy/system'
import type { AlertSettings } from '../alerts.ts'
import { attempted, quantile, recorded, served } from '../expressions.ts'
import { type Chart, type Dashboard, type Section, dashboard } from './dashboard.ts'

/** A dashboard of the whole system, and one of each service, by the names of their files. */
export function dashboardsOf(system: System, settings: AlertSettings): ReadonlyMap<string, Dashboard> {
  const all = new Map<string, Dashboard>([[system.name, overview(system, settings)]])
  for (const service of system.services) all.set(`${system.name}-${service.name}`, ofService(system, service, settings))
  return all
}

const one = (expr: string, legend: string) => [{ expr, legend }]

function overview({ name, services }: System, { objective, latencyS }: AlertSettings): Dashboard {
  const sections: readonly Section[] = [
    {
      title: 'Now',
      charts: [
        stat(
          'Instances up',
          'Processes that Prometheus can scrape.',
          one(`sum(up{service=~"${services.map((service) => service.name).join('|')}"})`, ''),
        ),
        stat('Alerts', 'That fire.', one('sum(ALERTS{alertstate="firing"}) or vector(0)', ''), 1),
        stat('Breakers not closed', 'Calls are turned away, or probed.', one('sum(seaworthy_circuit_state{state!="closed"})', ''), 1),
        stat('Dead letters', 'Messages that wait for a person.', one('sum(seaworthy_dead_letters)', ''), 1),
        stat('Parked sagas', 'Sagas that wait for a person.', one('sum(seaworthy_sagas{state="parked"})', ''), 1),
        { ...stat('Oldest in an outbox', 'Of all services.', one('max(seaworthy_outbox_oldest_seconds)', ''), 60), unit: 's' },
      ],
    },
    {
      title: 'Rate, errors, duration',
      charts: [
        chart('Requests', 'Requests a second.', 'reqps', one(recorded.requests('5m'), '{{service}}')),
        chart(
          'Errors',
          'Share of requests that the service failed.',
          'percentunit',
          one(recorded.errorRatio('5m'), '{{service}}'),
          1 - objective,
        ),
        chart('p99', 'Longer takes one in a hundred.', 's', one(recorded.p99, '{{service}}'), latencyS),
      ],
    },
    {
      title: 'Dependencies',
      charts: [
        chart('Attempts', 'Attempts of guarded calls a second.', 'reqps', one(recorded.attempts, '{{service}} → {{policy}}')),
        chart(
          'Failed attempts',
          'Share that brought no answer.',
          'percentunit',
          one(recorded.attemptErrorRatio, '{{service}} → {{policy}}'),
        ),
        chart(
          'Breakers not closed',
          '1 while a breaker is open or half-open.',
          'short',
          one('1 - seaworthy_circuit_state{state="closed"} > 0', '{{service}} → {{policy}}'),
        ),
      ],
    },
    {
      title: 'Messages',
      charts: [
        chart(
          'Oldest in the outbox',
          'How long the oldest event waits to be published.',
          's',
          one('seaworthy_outbox_oldest_seconds', '{{instance}}'),
          60,
        ),
        chart(
          'Lag',
          'Records that a group has not committed.',
          'short',
          one('max by (topic, group) (seaworthy_consumer_lag)', '{{group}} on {{topic}}'),
        ),
        chart('Dead letters', 'What could not be handled.', 'short', one('seaworthy_dead_letters', '{{source}}')),
      ],
    },
    processes(''),
  ]
  return dashboard(
    { uid: `seaworthy-${name}`, title: `${name}: overview`, description: `All services of ${name}, as its declaration has them.` },
    sections,
  )
}

function ofService(system: System, service: Service, { objective, latencyS }: AlertSettings): Dashboard {
  const { name, purpose, policies, role } = service
  // It takes in what others tell of theirs, and tells of its own work by figures that no other process has.
  const isObserved = role !== 'console'
  const of = `service="${name}"`
  const by = ['http_request_method', 'http_route', 'rpc_method']
  const requests = {
    title: 'Requests',
    charts: [
      chart('Rate', 'Requests a second, by route.', 'reqps', one(`sum by (${by.join(', ')}) (${served('count', '5m', of)})`, BY_ROUTE)),
      chart(
        'Errors',
        'Share that it failed, over five minutes and over an hour.',
        'percentunit',
        ['5m', '1h'].map((window) => ({ expr: `${recorded.errorRatio(window)}{${of}}`, legend: window })),
        1 - objective,
      ),
      chart(
        'Duration',
        'Half of the requests, nineteen of twenty, ninety-nine of a hundred are quicker.',
        's',
        [0.5, 0.95, 0.99].map((share) => ({ expr: quantile(share, [], served('bucket', '5m', of)), legend: `p${share * 100}` })),
        latencyS,
      ),
    ],
  }
  const sections: readonly Section[] = [
    ...(service.serves.length === 0 || !isObserved ? [] : [requests]),
    ...Object.entries(policies).map(([call, policy]) => callSection(of, call, policy)),
    ...messageSections(service, of),
    ...(service.owns.length === 0 || !isObserved ? [] : [databaseSection(of)]),
    processes(of),
  ]
  return dashboard({ uid: `seaworthy-${system.name}-${name}`, title: `${system.name}: ${name}`, description: purpose }, sections)
}

/** What a route or a method has not is empty. */
const BY_ROUTE = '{{http_request_method}} {{http_route}}{{rpc_method}}'

function callSection(service: string, call: string, { timeout, bulkhead }: PolicyDeclaration): Section {
  const of = `${service},policy="${call}"`
  const attemptS = timeout?.attemptMs === undefined ? undefined : timeout.attemptMs / 1_000
  return {
    title: `Calls for ${call}`,
    charts: [
      chart('Calls', 'Guarded calls a second, by how they ended, and those that were turned away.', 'reqps', [
        { expr: `sum by (outcome) (rate(seaworthy_calls_total{${of}}[5m]))`, legend: '{{outcome}}' },
        { expr: `sum by (by) (rate(seaworthy_calls_rejected_total{${of}}[5m]))`, legend: 'turned away by {{by}}' },
        { expr: `sum(rate(seaworthy_retries_total{${of}}[5m]))`, legend: 'retries' },
      ]),
      chart(
        'Duration of attempts',
        'The line is where an attempt is given up.',
        's',
        [0.5, 0.99].map((share) => ({ expr: quantile(share, [], attempted('bucket', '5m', of)), legend: `p${share * 100}` })),
        attemptS,
      ),
      chart('Breaker and places', 'The state that the breaker is in, and how many calls are in flight and wait.', 'short', [
        { expr: `max by (state) (seaworthy_circuit_state{${of},state!="closed"})`, legend: '{{state}}' },
        ...(bulkhead === undefined
          ? []
          : [
              { expr: `sum(seaworthy_bulkhead_running{${of}})`, legend: `running, of ${bulkhead.concurrencyMax}` },
              { expr: `sum(seaworthy_bulkhead_queued{${of}})`, legend: `waiting, of ${bulkhead.queueMax ?? 0}` },
            ]),
      ]),
    ],
  }
}

function messageSections({ publishes, consumes }: Service, of: string): readonly Section[] {
  const publishing = [
    chart(
      'Published',
      'Messages a second that the log confirmed.',
      'reqps',
      one(`sum by (topic) (rate(seaworthy_relay_sent_total{${of}}[5m]))`, '{{topic}}'),
    ),
    chart('Outbox', 'Messages that wait.', 'short', one(`sum(seaworthy_outbox_messages{${of}})`, 'waiting')),
    chart('Oldest in the outbox', 'How long it waits.', 's', one(`max(seaworthy_outbox_oldest_seconds{${of}})`, 'oldest'), 60),
  ]
  const consuming = [
    chart('Handled', 'Messages a second, and attempts that failed.', 'reqps', [
      { expr: `sum by (group) (rate(seaworthy_consumer_handled_total{${of}}[5m]))`, legend: '{{group}}' },
      { expr: `sum by (group) (rate(seaworthy_consumer_failed_attempts_total{${of}}[5m]))`, legend: '{{group}}: failed attempts' },
    ]),
    chart(
      'Lag',
      'Records that the group has not committed.',
      'short',
      one(`sum by (topic, group) (seaworthy_consumer_lag{${of}})`, '{{group}} on {{topic}}'),
    ),
    chart('Dead letters', 'Messages that wait for a person, and keys that wait behind them.', 'short', [
      { expr: `sum by (source) (seaworthy_dead_letters{${of}})`, legend: '{{source}}' },
      { expr: `sum by (group) (seaworthy_consumer_parked_keys{${of}})`, legend: '{{group}}: parked keys' },
    ]),
  ]
  return [
    ...(publishes.length === 0 ? [] : [{ title: `Publishes ${publishes.join(', ')}`, charts: publishing }]),
    ...(consumes.length === 0 ? [] : [{ title: `Consumes ${consumes.join(', ')}`, charts: consuming }]),
  ]
}

function databaseSection(of: string): Section {
  const rate = (suffix: string) => `sum by (db_namespace, le) (rate(db_client_operation_duration_seconds_${suffix}{${of}}[5m]))`
  return {
    title: 'Database',
    charts: [
      chart(
        'Transactions',
        'A second.',
        'reqps',
        one(`sum by (db_namespace) (rate(db_client_operation_duration_seconds_count{${of}}[5m]))`, '{{db_namespace}}'),
      ),
      chart('p99', 'Waiting for a turn or a lock included.', 's', one(`histogram_quantile(0.99, ${rate('bucket')})`, '{{db_namespace}}')),
      chart(
        'Failed',
        'Transactions that threw, a second.',
        'reqps',
        one(`sum by (error_type) (rate(db_client_operation_duration_seconds_count{${of},error_type!=""}[5m]))`, '{{error_type}}'),
      ),
    ],
  }
}

function processes(of: string): Section {
  return {
    title: 'Processes',
    charts: [
      chart('CPU', 'Processors that it keeps busy.', 'short', one(`rate(process_cpu_seconds_total{${of}}[5m])`, '{{instance}}')),
      chart(
        'Delay of the event loop',
        'p99 since the last scrape: whatever the process does waits for so long.',
        's',
        one(`nodejs_eventloop_lag_p99_seconds{${of}}`, '{{instance}}'),
        0.25,
      ),
      chart('Memory', 'In RAM.', 'bytes', one(`process_resident_memory_bytes{${of}}`, '{{instance}}')),
    ],
  }
}

function chart(title: string, description: string, unit: string, queries: Chart['queries'], limit?: number): Chart {
  return { title, description, unit, queries, limit }
}

function stat(title: string, description: string, queries: Chart['queries'], limit?: number): Chart {
  return { ...chart(title, description, 'short', queries, limit), type: 'stat' }
}
