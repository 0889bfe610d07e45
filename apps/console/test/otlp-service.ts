import { destinationsFrom, startTelemetry } from '@seaworthy/telemetry'
import { instruments } from '@seaworthy/telemetry/prometheus'
import { observed, rootContext, traceHeaders, withContext } from 'seaworthy/core'
import { BOUNDS, COUNTED, LOGGED, SECONDS } from './otlp-measurements.ts'

/** A service of ours that sends where OpenTelemetry's variables say, does one thing, and ends. It prints its log, whose last line has the trace's id. */
const telemetry = startTelemetry({
  service: 'orders',
  instance: 'orders-1',
  destinations: destinationsFrom(process.env),
  metrics: { process: false },
})
const mine = instruments()
telemetry.metrics.add({ sources: [mine] })

const attributes = { http_request_method: 'http.request.method', http_route: 'http.route' }
const durations = mine.histogram({
  name: 'example_request_duration_seconds',
  help: 'How long requests took.',
  convention: { name: 'example.request.duration', unit: 's', attributes },
  bounds: BOUNDS,
})
const served = durations.bind({ http_request_method: 'POST', http_route: '/checkout' })
for (const seconds of SECONDS) served.observe(seconds)
const placed = mine.counter({ name: 'orders_placed_total', help: 'Orders that were placed.' })
for (const [country, count] of COUNTED) placed.bind({ country }).add(count)
mine.gauge({ name: 'baskets_open', help: 'Baskets that are open.' }).bind({}).set(12.5)

const context = rootContext({ correlationId: 'monday' })
await withContext(context, () =>
  observed('example.job').run(
    () => ({ name: 'checkout', kind: 'server', attributes: {} }),
    async () => {
      telemetry.logger.warn({ ...LOGGED.attributes, password: 'canary-1' }, LOGGED.body)
      process.stdout.write(`${JSON.stringify({ traceparent: traceHeaders(context).traceparent })}\n`)
    },
  ),
)
await telemetry.shutdown()
