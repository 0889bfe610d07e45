/** A nightly run over five services: 500 orders one after another, each a tree of 100 spans, three deep. */
export const SPANS = 50_000
export const TRACE_ID = '5eaf'.repeat(8)
const SERVICES = ['batch', 'orders', 'inventory', 'payments', 'shipping']
const ORDERS = 500
const SPANS_OF_ORDER = SPANS / ORDERS
const START_MS = Date.now() - 120_000

/** OTLP in JSON, 5,000 spans a request: as many as the console takes in bytes. */
export function* largeTraceRequests(): Generator<string> {
  for (let order = 0; order < ORDERS; order += 50) {
    const spans = Array.from({ length: 50 }, (_, index) => orderSpans(order + index)).flat()
    const resourceSpans = SERVICES.map((service) => ({
      resource: { attributes: [text('service.name', service), text('service.instance.id', `${service}-1`)] },
      scopeSpans: [
        { scope: { name: 'http' }, spans: spans.filter((span) => span.service === service).map(({ service: _service, ...span }) => span) },
      ],
    }))
    yield JSON.stringify({ resourceSpans })
  }
}

function orderSpans(order: number) {
  const startMs = START_MS + order * 200
  return Array.from({ length: SPANS_OF_ORDER }, (_, index) => {
    const number = order * SPANS_OF_ORDER + index
    // The first of an order hangs on the first of all, each tenth on it, the others on the tenth before them.
    const parent = index === 0 ? 0 : index % 10 === 0 ? order * SPANS_OF_ORDER : number - (index % 10)
    return {
      service: SERVICES[Math.floor(index / 10) % SERVICES.length]!,
      traceId: TRACE_ID,
      spanId: id(number),
      ...(number > 0 && { parentSpanId: id(parent) }),
      name: index % 2 === 0 ? 'GET /api/orders/{orderId}' : 'SELECT orders',
      kind: index % 2 === 0 ? 2 : 3,
      startTimeUnixNano: `${startMs + index}000000`,
      endTimeUnixNano: `${number === 0 ? START_MS + ORDERS * 200 : startMs + (index === 0 ? 190 : index + 1 + ((index * 7) % 10))}000000`,
      attributes: [
        text('http.request.method', 'GET'),
        text('url.path', `/api/orders/${order}`),
        { key: 'http.response.status_code', value: { intValue: '200' } },
        text('server.address', '127.0.0.1'),
        text('seaworthy.correlation_id', `order-${order}`),
      ],
      status: {},
    }
  })
}

const text = (key: string, value: string) => ({ key, value: { stringValue: value } })

function id(number: number): string {
  return (number + 1).toString(16).padStart(16, '0')
}
