import type { TracingChannelSubscribers } from 'node:diagnostics_channel'
import { type Clock, type Operation, type OperationChannel, systemClock, watchOperations } from 'seaworthy/core'
import { errorName } from './error-name.ts'
import { Histogram } from './histogram.ts'
import type { Labels, MetricFamily } from './metric-family.ts'

/** Upper bounds in seconds, as OpenTelemetry's conventions advise them for HTTP and RPC: dashboards that people have are drawn for these. */
const BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const SERIES_MAX = 1_000

/** A metric of OpenTelemetry's conventions: a histogram of seconds. */
interface OperationMetric {
  /** As the conventions have it. */
  readonly name: string
  readonly help: string
  /** Attributes that become labels, besides `error.type`. */
  readonly attributes: readonly string[]
}

const HTTP = ['http.request.method', 'http.response.status_code']
const RPC = ['rpc.system.name', 'rpc.method', 'rpc.response.status_code']
// Whom a call is for: the policy that guards it is called after the callee, or the proxy's upstream is. An address names a machine.
const CALLEE = ['seaworthy.policy', 'seaworthy.upstream', 'server.address', 'server.port']
const PROCESSING: OperationMetric = {
  name: 'messaging.process.duration',
  help: 'How long handlers of messages took.',
  attributes: ['messaging.destination.name', 'messaging.consumer.group.name'],
}
const SERVED: OperationMetric = {
  name: 'http.server.request.duration',
  help: 'How long requests took, to the last byte of their answers.',
  attributes: [...HTTP, 'http.route', 'seaworthy.upstream'],
}
const ASKED: OperationMetric = {
  name: 'http.client.request.duration',
  help: 'How long attempts of calls to others took.',
  attributes: [...HTTP, 'url.template', ...CALLEE],
}
const DATABASE: OperationMetric = {
  name: 'db.client.operation.duration',
  help: 'How long transactions and queries took, waits for their turn included.',
  attributes: ['db.system.name', 'db.namespace'],
}

/** Measures requests that are told when they have ended, for a process that does not follow them as operations. The same metric, its labels as {@link prometheus} gives them. */
export const servedRequests = (): Histogram => histogramOf(SERVED, systemClock)

/** Under the name and with the labels that OpenTelemetry's exporters give it in Prometheus. */
function histogramOf({ name, help, attributes }: OperationMetric, clock: Clock): Histogram {
  return new Histogram({
    name: `${name.replaceAll('.', '_')}_seconds`,
    help,
    convention: {
      name,
      unit: 's',
      attributes: Object.fromEntries([...attributes, 'error.type'].map((attribute) => [labelName(attribute), attribute])),
    },
    bounds: BOUNDS_S,
    seriesMax: SERIES_MAX,
    clock,
  })
}

/** By the kind of work, as it is declared to `observed`. */
const METRICS: Readonly<Record<string, OperationMetric>> = {
  'http.server': SERVED,
  'http-proxy.request': SERVED,
  'http.client': ASKED,
  'http-proxy.attempt': ASKED,
  'grpc.server': {
    name: 'rpc.server.call.duration',
    help: 'How long calls took that others made.',
    attributes: RPC,
  },
  'grpc.client': {
    name: 'rpc.client.call.duration',
    help: 'How long attempts of calls to others took.',
    attributes: [...RPC, ...CALLEE],
  },
  'consumer.handle': PROCESSING,
  'queue.process': PROCESSING,
  'database.transaction': DATABASE,
  'database.query': DATABASE,
}

/** Attributes and the labels that they become, made once: a gateway labels every request. */
type LabelNames = readonly (readonly [attribute: string, label: string])[]

/** What `TracingChannel.tracePromise` adds to the operation when the work threw. */
type Traced = Operation & { readonly error?: unknown }

export interface OperationMetrics extends Disposable {
  families(): readonly MetricFamily[]
}

/** Measures from now on the requests, calls, messages and transactions of this process. */
export function operationMetrics(clock: Clock = systemClock): OperationMetrics {
  const histograms = new Map<string, Histogram>()
  const stops: (() => void)[] = []
  const watch = (kind: string, channel: OperationChannel): void => {
    const metric = METRICS[kind]
    if (metric === undefined) return
    let histogram = histograms.get(metric.name)
    if (histogram === undefined) {
      histogram = histogramOf(metric, clock)
      histograms.set(metric.name, histogram)
    }
    stops.push(measure(channel, { metric, histogram, clock }))
  }
  stops.push(watchOperations(watch))
  return {
    families: () => Array.from(histograms.values(), (histogram) => histogram.family()),
    [Symbol.dispose]: () => {
      for (const stop of stops) stop()
    },
  }
}

function measure(
  channel: OperationChannel,
  { metric, histogram, clock }: { readonly metric: OperationMetric; readonly histogram: Histogram; readonly clock: Clock },
): () => void {
  const begun = new WeakMap<Operation, number>()
  const names: LabelNames = metric.attributes.map((attribute) => [attribute, labelName(attribute)])
  const end = (operation: Traced): void => {
    const beganMs = begun.get(operation)
    if (beganMs === undefined) return
    begun.delete(operation)
    histogram.observe(labelsOf(operation, names), (clock.monotonicMs() - beganMs) / 1_000)
  }
  const subscribers: TracingChannelSubscribers<Operation> = {
    start: (operation) => void begun.set(operation, clock.monotonicMs()),
    // A body that throws before it returns a promise has no asynchronous end.
    end: (operation: Traced) => (operation.error === undefined ? undefined : end(operation)),
    asyncStart: () => undefined,
    asyncEnd: end,
    error: () => undefined,
  }
  channel.subscribe(subscribers)
  return () => channel.unsubscribe(subscribers)
}

function labelsOf({ attributes, error, failure }: Traced, names: LabelNames): Labels {
  const labels: Record<string, string> = {}
  for (const [name, label] of names) {
    const value = attributes[name]
    if (value !== undefined) labels[label] = String(value)
  }
  const type = error === undefined ? (attributes['error.type'] ?? (failure === undefined ? undefined : 'failure')) : errorName(error)
  if (type !== undefined) labels['error_type'] = String(type)
  return labels
}

/** `policy` is what the other metrics of policies call it. */
function labelName(attribute: string): string {
  return attribute.replace(/^seaworthy\./, '').replaceAll('.', '_')
}
