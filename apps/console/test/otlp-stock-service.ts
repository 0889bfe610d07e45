import { SeverityNumber, context, logs, metrics, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BOUNDS, COUNTED, LOGGED, SECONDS } from './otlp-measurements.ts'

/** A service with the stock SDK, set up by the same variables, which measures and logs what `otlp-service.ts` does. */
const sdk = new NodeSDK({ serviceName: 'stock', instrumentations: [] })
sdk.start()

const meter = metrics.getMeter('stock')
const advice = { explicitBucketBoundaries: [...BOUNDS] }
const durations = meter.createHistogram('example.request.duration', { description: 'How long requests took.', unit: 's', advice })
for (const seconds of SECONDS) durations.record(seconds, { 'http.request.method': 'POST', 'http.route': '/checkout' })
const placed = meter.createCounter('orders_placed_total', { description: 'Orders that were placed.' })
for (const [country, count] of COUNTED) placed.add(count, { country })
meter.createGauge('baskets_open', { description: 'Baskets that are open.' }).record(12.5)

const span = trace.getTracer('stock').startSpan('checkout')
context.with(trace.setSpan(context.active(), span), () =>
  logs.getLogger('stock').emit({
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    body: LOGGED.body,
    attributes: { ...LOGGED.attributes, items: [...LOGGED.attributes.items] },
  }),
)
span.end()
await sdk.shutdown()
