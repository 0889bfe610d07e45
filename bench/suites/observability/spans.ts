import { createHash } from 'node:crypto'
import protobuf from 'protobufjs'

/** opentelemetry-proto 1.x, as far as a span needs it. */
const PROTO = `syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Scope { string name = 1; string version = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; repeated Event events = 11; Status status = 15;
}
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Request { repeated ResourceSpans resource_spans = 1; }`

const { root } = protobuf.parse(PROTO, { keepCase: true })
export const Request = root.lookupType('Request')

const TRACES = 20
const SPANS_PER_TRACE = 25
export const SPANS_PER_REQUEST = TRACES * SPANS_PER_TRACE
const SERVICES = ['gateway', 'orders', 'payments', 'inventory', 'shipping']
const START_MS = 1_795_438_250_000

/**
 * A request as an SDK sends it: 500 spans of twenty traces over five services, server and client by turns, with the attributes that OpenTelemetry's conventions ask for. Each number
 * gives other ids.
 */
export function traceRequest(number: number): Buffer {
  const resource_spans = SERVICES.map((service, position) => ({
    resource: {
      attributes: [text('service.name', service), text('service.instance.id', `${service}-1`), text('telemetry.sdk.language', 'nodejs')],
    },
    scope_spans: [
      {
        scope: { name: 'http', version: '1.0.0' },
        spans: Array.from({ length: TRACES }, (_, trace) => spansOf(number * TRACES + trace, position)).flat(),
      },
    ],
  }))
  return Buffer.from(Request.encode(Request.fromObject({ resource_spans })).finish())
}

function spansOf(trace: number, position: number): object[] {
  const count = SPANS_PER_TRACE / SERVICES.length
  return Array.from({ length: count }, (_, index) => {
    const order = position * count + index
    const startMs = START_MS + trace * 7 + order
    return {
      trace_id: id(trace + 1, 16),
      span_id: id(trace * SPANS_PER_TRACE + order + 1, 8),
      ...(order > 0 && { parent_span_id: id(trace * SPANS_PER_TRACE + order, 8) }),
      name: index % 2 === 0 ? 'GET /api/orders/{orderId}' : 'POST',
      kind: index % 2 === 0 ? 2 : 3,
      start_time_unix_nano: `${startMs}123456`,
      end_time_unix_nano: `${startMs + 40 - order}654321`,
      attributes: [
        text('http.request.method', 'GET'),
        text('url.path', `/api/orders/${trace}`),
        text('url.scheme', 'http'),
        text('server.address', '127.0.0.1'),
        number('server.port', 8_080),
        number('http.response.status_code', 200),
        text('http.route', '/api/orders/{orderId}'),
        text('user_agent.original', 'node'),
        text('network.protocol.version', '1.1'),
        text('seaworthy.correlation_id', `c-${trace}`),
      ],
      status: { code: 0 },
    }
  })
}

const text = (key: string, value: string) => ({ key, value: { string_value: value } })
const number = (key: string, value: number) => ({ key, value: { int_value: value } })

/** As random as those of an SDK, so that no index only grows at its end, and the same for the same number. */
function id(value: number, bytes: 8 | 16): Buffer {
  return createHash('sha256').update(String(value)).digest().subarray(0, bytes)
}
