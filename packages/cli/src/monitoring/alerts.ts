import type { Service, System } from 'seaworthy/system'
import { alert } from './alert.ts'
import { dependencyAlerts } from './dependency-alerts.ts'
import { oneOf, recorded } from './expressions.ts'
import type { Rule, RuleGroup } from './rule-file.ts'

export interface AlertSettings {
  /** The share of requests that are to succeed, 0 to 1, of each service, over thirty days. */
  readonly objective: number
  /** What the 99th percentile of a service's requests may be, in seconds. */
  readonly latencyS: number
}

/** What people should hear of, by what the services declare. */
export function alertGroups(system: System, settings: AlertSettings): readonly RuleGroup[] {
  const groups = [
    ['services', [...presenceAlerts(system.services), ...requestAlerts(settings)]],
    ['dependencies', system.services.flatMap(dependencyAlerts)],
    ['messages', messageAlerts(system.services)],
    ['processes', processAlerts(system.services)],
  ] as const
  return groups.flatMap(([name, rules]) => (rules.length === 0 ? [] : [{ name: `${system.name}-${name}`, rules }]))
}

function presenceAlerts(services: readonly Service[]): readonly Rule[] {
  return [
    alert('InstanceDown', {
      expr: `up{${oneOf('service', namesOf(services))}} == 0`,
      for: '1m',
      severity: 'page',
      summary: '{{ $labels.instance }} does not answer',
      description: 'Prometheus cannot scrape it. "seaworthy status" says whether it runs, "seaworthy logs {{ $labels.service }}" why not.',
    }),
    // What is not there has no series: each is asked for by its name.
    ...services.map(({ name, purpose }) =>
      alert('ServiceAbsent', {
        expr: `absent(up{service="${name}"})`,
        for: '5m',
        severity: 'page',
        summary: `No instance of ${name} is known`,
        description: `${purpose} Nothing of it is scraped: it was never started, or Prometheus is not told of it.`,
        labels: { service: name },
      }),
    ),
    alert('Restarting', {
      expr: `changes(process_start_time_seconds{${oneOf('service', namesOf(services))}}[15m]) > 3`,
      severity: 'page',
      summary: '{{ $labels.instance }} was started {{ $value }} times in a quarter of an hour',
      description: 'It ends by itself, again and again. "seaworthy logs {{ $labels.service }}" has its last words.',
    }),
  ]
}

/** How many times faster than allowed the budget of errors may be used up, over which times: as in Google's "The Site Reliability Workbook", chapter 5. */
const BURN_RATES = [
  { factor: 14.4, long: '1h', short: '5m', severity: 'page' },
  { factor: 6, long: '6h', short: '30m', severity: 'page' },
  { factor: 1, long: '3d', short: '6h', severity: 'ticket' },
] as const

function requestAlerts({ objective, latencyS }: AlertSettings): readonly Rule[] {
  const budget = 1 - objective
  const percent = `${+(objective * 100).toFixed(4)} %`
  return [
    ...BURN_RATES.map(({ factor, long, short, severity }) => {
      const limit = +(factor * budget).toPrecision(6)
      return alert('ErrorBudgetBurn', {
        // The short time ends the alert soon after the trouble has ended.
        expr: `${recorded.errorRatio(long)} > ${limit} and ${recorded.errorRatio(short)} > ${limit}`,
        severity,
        summary: `{{ $labels.service }} fails {{ $value | humanizePercentage }} of its requests`,
        description: `That is ${factor} times what the objective of ${percent} allows, over ${long}. Failed traces are in the console; "seaworthy why TRACE_ID" says what one waited for.`,
        labels: { window: long },
      })
    }),
    alert('RequestsSlow', {
      expr: `${recorded.p99} > ${latencyS}`,
      for: '5m',
      severity: 'ticket',
      summary: 'One in a hundred requests to {{ $labels.service }} takes longer than {{ $value | humanizeDuration }}',
      description: `More than ${latencyS} s for five minutes. The console's page "Why slow?" holds the slow ones against the usual.`,
    }),
  ]
}

function messageAlerts(services: readonly Service[]): readonly Rule[] {
  const publishers = oneOf('service', namesOf(services.filter(({ publishes }) => publishes.length > 0)))
  const consumers = oneOf('service', namesOf(services.filter(({ consumes }) => consumes.length > 0)))
  return [
    ...(services.every(({ publishes }) => publishes.length === 0)
      ? []
      : [
          alert('OutboxLag', {
            expr: `seaworthy_outbox_oldest_seconds{${publishers}} > 60`,
            for: '1m',
            severity: 'page',
            summary: 'An event of {{ $labels.service }} has waited for {{ $value | humanizeDuration }} in its outbox',
            description: 'Nothing is lost, and nobody hears of it. The log of the service says why it cannot be published.',
          }),
        ]),
    ...(services.every(({ consumes }) => consumes.length === 0)
      ? []
      : [
          alert('ConsumerStopped', {
            expr: `seaworthy_consumer_running{${consumers}} == 0`,
            for: '1m',
            severity: 'page',
            summary: '{{ $labels.instance }} handles no more messages of group {{ $labels.group }}',
            description: 'Its consumer stopped by itself; the log of the service has the reason. Restart it when that is mended.',
          }),
          alert('ConsumerLag', {
            expr: 'max by (topic, group) (seaworthy_consumer_lag) > 1000',
            for: '5m',
            severity: 'ticket',
            summary: 'Group {{ $labels.group }} is {{ $value }} records behind on topic {{ $labels.topic }}',
            description: 'It is slower than who publishes, or held up by one record. The console shows it on the page Messages.',
          }),
          alert('KeysParked', {
            expr: `seaworthy_consumer_parked_keys{${consumers}} > 0`,
            for: '5m',
            severity: 'ticket',
            summary: '{{ $value }} keys of group {{ $labels.group }} wait behind a dead letter',
            description: '"seaworthy dead-letters list {{ $labels.service }}" shows them, and requeues them when the cause is mended.',
          }),
        ]),
    alert('DeadLetters', {
      expr: 'seaworthy_dead_letters > 0',
      severity: 'ticket',
      summary: '{{ $value }} messages of {{ $labels.source }} could not be handled',
      description: '"seaworthy dead-letters list {{ $labels.service }}" shows why; requeue handles them again.',
    }),
    alert('SagaParked', {
      expr: 'seaworthy_sagas{state="parked"} > 0',
      severity: 'page',
      summary: '{{ $value }} sagas of {{ $labels.service }} can go neither on nor back',
      description: '"seaworthy saga list {{ $labels.service }} --state parked" shows the evidence; retry, skip or abort decides.',
    }),
    alert('SagaUnsettled', {
      expr: 'min_over_time(seaworthy_sagas{state="compensating"}[15m]) > 0',
      severity: 'ticket',
      summary: 'Sagas of {{ $labels.service }} have been undone for a quarter of an hour, and are not done with it',
      description:
        'A compensation is asked again and again. "seaworthy saga list {{ $labels.service }} --state compensating" shows of whom.',
    }),
  ]
}

function processAlerts(services: readonly Service[]): readonly Rule[] {
  const all = oneOf('service', namesOf(services))
  const consoles = services.filter(({ role }) => role === 'console')
  return [
    alert('EventLoopDelayed', {
      expr: `nodejs_eventloop_lag_p99_seconds{${all}} > 0.25`,
      for: '5m',
      severity: 'ticket',
      summary: 'The event loop of {{ $labels.instance }} comes round {{ $value | humanizeDuration }} late',
      description:
        'A synchronous call or a computation holds it, and whatever the process does waits. A slow trace of it names the stretch.',
    }),
    alert('EventLoopBusy', {
      expr: `rate(seaworthy_eventloop_active_seconds_total{${all}}[5m]) > 0.9`,
      for: '10m',
      severity: 'ticket',
      summary: '{{ $labels.instance }} is at work {{ $value | humanizePercentage }} of the time',
      description: 'One thread is all that it has. Start another instance, or find what it computes.',
    }),
    alert('MetricsIncomplete', {
      expr: `seaworthy_metrics_source_failed{${all}} == 1`,
      for: '5m',
      severity: 'ticket',
      summary: '{{ $labels.instance }} cannot say how its {{ $labels.source }} are',
      description: 'The database behind them does not answer. Other alerts about them are silent meanwhile.',
    }),
    alert('TelemetryDropped', {
      expr: `rate(seaworthy_telemetry_dropped_total{${all}}[5m]) > 0`,
      for: '5m',
      severity: 'ticket',
      summary: '{{ $labels.instance }} loses {{ $labels.signal }} on their way out',
      description: 'Whoever they go to is away for too long, or refuses them. The log of the process says which, and why.',
    }),
    ...(consoles.length === 0
      ? []
      : [
          alert('SpansDropped', {
            expr: `rate(seaworthy_console_spans_dropped_total{${oneOf('service', namesOf(consoles))}}[5m]) > 0`,
            severity: 'ticket',
            summary: 'The console loses spans',
            description: 'Its store failed, or a trace is too large. Its log says which.',
          }),
        ]),
  ]
}

const namesOf = (services: readonly Service[]): readonly string[] => services.map(({ name }) => name)
