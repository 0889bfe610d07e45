import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { NodeSDK } from '@opentelemetry/sdk-node'

/**
 * A service with the stock OpenTelemetry SDK, which makes one trace of everything that a span may have, and ends. Its arguments: the wire, and where to send. It prints
 * the trace's id.
 */
const [wire, url] = process.argv.slice(2)
const traceExporter =
  wire === 'grpc' ? new GrpcExporter({ url: url! }) : new ProtoExporter({ url: `${url}/v1/traces`, compression: 'gzip' as never })
const sdk = new NodeSDK({ serviceName: 'stock', traceExporter, instrumentations: [] })
sdk.start()

const tracer = trace.getTracer('stock-library', '1.2.3')
const root = tracer.startSpan('root', { kind: SpanKind.SERVER, startTime: [1_795_438_250, 123_456_789] })
const within = trace.setSpan(context.active(), root)
const elsewhere = { traceId: '11111111111111111111111111111111', spanId: '2222222222222222', traceFlags: 1 }
const child = tracer.startSpan(
  'child',
  {
    kind: SpanKind.CLIENT,
    startTime: [1_795_438_250, 200_000_000],
    links: [{ context: elsewhere, attributes: { why: 'batch' } }],
    attributes: {
      text: 'ünïcode',
      yes: true,
      no: false,
      whole: 42,
      negative: -7,
      large: Number.MAX_SAFE_INTEGER,
      ratio: 0.125,
      texts: ['a', 'b'],
      wholes: [1, 2, 3],
      flags: [true, false],
      empty: '',
    },
  },
  within,
)
child.addEvent('retry', { attempt: 2 }, [1_795_438_250, 250_000_001])
child.recordException(new RangeError('too far'), [1_795_438_250, 300_000_000])
child.setStatus({ code: SpanStatusCode.ERROR, message: 'gave up' })
child.end([1_795_438_250, 300_000_002])
for (let number = 0; number < 1_000; number++)
  tracer.startSpan(`step ${number}`, { startTime: [1_795_438_250, 300_000_000] }, within).end([1_795_438_250, 400_000_000])
root.setStatus({ code: SpanStatusCode.OK })
root.end([1_795_438_251, 1])
await sdk.shutdown()
console.log(root.spanContext().traceId)
