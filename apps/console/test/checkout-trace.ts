import type { AnyValue, KeyValue } from '../src/otlp/model.ts'

/** A span as a test describes it; times in milliseconds from the trace's beginning. */
export interface SpanSpec {
  readonly service: string
  readonly name: string
  readonly kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly start: number
  readonly end: number
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
  readonly error?: string
  readonly children?: readonly SpanSpec[]
}

const KINDS = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

export interface TraceOptions {
  readonly traceId: string
  readonly correlationId: string
  /** Milliseconds since the epoch. */
  readonly startMs: number
}

/** An ExportTraceServiceRequest with one resource per service. Span ids count up from the trace's own number, so that they are the same each time. */
export function otlpRequest(roots: readonly SpanSpec[], { traceId, correlationId, startMs }: TraceOptions): { resourceSpans: unknown[] } {
  const byService = new Map<string, unknown[]>()
  let number = Number.parseInt(traceId.slice(-6), 16) * 4_096
  const add = (spec: SpanSpec, parentSpanId: string | undefined): void => {
    const spanId = (++number).toString(16).padStart(16, '0')
    const spans = byService.get(spec.service) ?? []
    byService.set(spec.service, spans)
    spans.push({
      traceId,
      spanId,
      ...(parentSpanId !== undefined && { parentSpanId }),
      name: spec.name,
      kind: KINDS[spec.kind],
      startTimeUnixNano: nanos(startMs + spec.start),
      endTimeUnixNano: nanos(startMs + spec.end),
      attributes: attributes({ 'seaworthy.correlation_id': correlationId, ...spec.attributes }),
      events:
        spec.error === undefined
          ? []
          : [
              {
                timeUnixNano: nanos(startMs + spec.end),
                name: 'exception',
                attributes: attributes({ 'exception.type': 'RejectedError', 'exception.message': spec.error }),
              },
            ],
      status: spec.error === undefined ? { code: 0 } : { code: 2, message: spec.error },
    })
    for (const child of spec.children ?? []) add(child, spanId)
  }
  for (const root of roots) add(root, undefined)
  return {
    resourceSpans: [...byService].map(([service, spans]) => ({
      resource: {
        attributes: attributes({ 'service.name': service, 'service.instance.id': `${service}-1`, 'process.pid': 4_000 + service.length }),
      },
      scopeSpans: [{ scope: { name: 'seaworthy' }, spans }],
    })),
  }
}

function nanos(ms: number): string {
  return (BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1e6))).toString()
}

function attributes(values: Readonly<Record<string, string | number | boolean>>): KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: string | number | boolean): AnyValue {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value }
}

const client = (
  service: string,
  callee: string,
  method: string,
  times: readonly [number, number, number, number],
  inner: readonly SpanSpec[] = [],
  error?: string,
): SpanSpec => ({
  service,
  name: method,
  kind: 'client',
  start: times[0],
  end: times[3],
  attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method, 'server.address': '127.0.0.1' },
  ...(error !== undefined && { error }),
  children: [
    {
      service: callee,
      name: method,
      kind: 'server',
      start: times[1],
      end: times[2],
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method },
      ...(error !== undefined && { error }),
      children: inner,
    },
  ],
})

const database = (service: string, start: number, end: number, waitMs = 0): SpanSpec => ({
  service,
  name: `transaction ${service}.sqlite`,
  kind: 'client',
  start,
  end,
  attributes: { 'db.system.name': 'sqlite', 'db.namespace': `${service}.sqlite`, 'seaworthy.time.pool_wait_ms': waitMs },
})

const consume = (service: string, topic: string, start: number, end: number, inner: readonly SpanSpec[]): SpanSpec => ({
  service,
  name: `${topic} process`,
  kind: 'consumer',
  start,
  end,
  attributes: {
    'messaging.system': 'seaworthy',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.consumer.group.name': service,
    'messaging.message.id': '01a20875-8a09-751c-9df6-e18876b88142',
    'seaworthy.event.type': 'order.completed',
    'seaworthy.consumer.attempt': 1,
  },
  children: inner,
})

/** A checkout as the shop makes it: gateway to orders, a saga over five services, the outbox, and what its event sets off. */
export function checkoutSpans(outcome: 'completed' | 'declined' = 'completed'): readonly SpanSpec[] {
  const declined = outcome === 'declined' ? 'card-declined: the bank refused the card' : undefined
  const steps: SpanSpec[] = [
    {
      service: 'orders',
      name: 'saga checkout step reserve stock',
      kind: 'internal',
      start: 24,
      end: 43,
      attributes: { 'seaworthy.saga.step': 'reserve stock', 'seaworthy.saga.attempt': 1 },
      children: [
        database('orders', 24.2, 26.1),
        client('orders', 'inventory', 'inventory.v1.Inventory/Reserve', [26.4, 27.3, 40.2, 41.1], [database('inventory', 28, 39.8, 7.4)]),
        database('orders', 41.3, 42.8),
      ],
    },
    {
      service: 'orders',
      name: 'saga checkout step charge',
      kind: 'internal',
      start: 43.1,
      end: 112,
      attributes: { 'seaworthy.saga.step': 'charge', 'seaworthy.saga.attempt': 1 },
      ...(declined !== undefined && { error: declined }),
      children: [
        database('orders', 43.2, 44.6),
        client(
          'orders',
          'payments',
          'payments.v1.Payments/Charge',
          [45, 46.1, 109.2, 110.4],
          [
            {
              service: 'payments',
              name: 'card network authorise',
              kind: 'client',
              start: 47,
              end: 101,
              attributes: { 'server.address': 'cards.test' },
              ...(declined !== undefined && { error: declined }),
            },
            database('payments', 101.6, 108.7),
          ],
          declined,
        ),
      ],
    },
  ]
  if (outcome === 'completed') {
    steps.push({
      service: 'orders',
      name: 'saga checkout step book shipment',
      kind: 'internal',
      start: 112.2,
      end: 131,
      attributes: { 'seaworthy.saga.step': 'book shipment', 'seaworthy.saga.attempt': 1 },
      children: [
        database('orders', 112.3, 113.5),
        client('orders', 'shipping', 'shipping.v1.Shipping/Book', [114, 115, 128.6, 129.7], [database('shipping', 116, 128)]),
      ],
    })
  } else {
    steps.push({
      service: 'orders',
      name: 'saga checkout compensate reserve stock',
      kind: 'internal',
      start: 112.2,
      end: 128,
      attributes: { 'seaworthy.saga.step': 'reserve stock' },
      children: [
        client('orders', 'inventory', 'inventory.v1.Inventory/Release', [113, 114, 126, 127], [database('inventory', 115, 125.4)]),
      ],
    })
  }
  const published: SpanSpec = {
    service: 'orders',
    name: 'orders publish',
    kind: 'producer',
    start: 134,
    end: 148,
    attributes: {
      'messaging.system': 'seaworthy',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
      'seaworthy.outbox.wait_ms': 11.2,
      'seaworthy.event.type': outcome === 'completed' ? 'order.completed' : 'order.rejected',
    },
    children: [
      consume('notifications', 'orders', 171, 186, [
        database('notifications', 172, 178),
        {
          service: 'notifications',
          name: 'emails send',
          kind: 'producer',
          start: 179,
          end: 184,
          attributes: { 'messaging.destination.name': 'emails' },
          children: [
            consume('notifications', 'emails', 236, 251, [
              { service: 'notifications', name: 'write e-mail', kind: 'internal', start: 238, end: 250 },
            ]),
          ],
        },
      ]),
      consume('analytics', 'orders', 158, 167, [database('analytics', 159, 166)]),
      consume('order-history', 'orders', 161, 172, [database('order-history', 162, 171)]),
    ],
  }
  return [
    {
      service: 'gateway',
      name: 'POST /api/checkout',
      kind: 'server',
      start: 0,
      end: 137,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/checkout',
        'url.path': '/api/checkout',
        'http.response.status_code': 201,
        'server.address': '127.0.0.1',
        'server.port': 8080,
      },
      children: [
        {
          service: 'gateway',
          name: 'POST orders',
          kind: 'client',
          start: 1.1,
          end: 136.2,
          attributes: { 'http.request.method': 'POST', 'http.response.status_code': 201 },
          children: [
            {
              service: 'orders',
              name: 'POST /api/checkout',
              kind: 'server',
              start: 2.4,
              end: 135.4,
              attributes: { 'http.request.method': 'POST', 'http.route': '/api/checkout', 'http.response.status_code': 201 },
              children: [
                {
                  service: 'orders',
                  name: 'GET monolith',
                  kind: 'client',
                  start: 4,
                  end: 13.4,
                  attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200 },
                  children: [
                    {
                      service: 'monolith',
                      name: 'GET /api/customers/:id',
                      kind: 'server',
                      start: 5.2,
                      end: 12.6,
                      attributes: { 'http.route': '/api/customers/:id' },
                      children: [database('monolith', 6, 12)],
                    },
                  ],
                },
                {
                  service: 'orders',
                  name: 'GET monolith',
                  kind: 'client',
                  start: 4.2,
                  end: 21.5,
                  attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200 },
                  children: [
                    {
                      service: 'monolith',
                      name: 'GET /api/products/:id',
                      kind: 'server',
                      start: 6.1,
                      end: 20.4,
                      attributes: { 'http.route': '/api/products/:id' },
                      children: [database('monolith', 12.2, 19.8, 5.9)],
                    },
                  ],
                },
                {
                  service: 'orders',
                  name: 'saga checkout',
                  kind: 'internal',
                  start: 22,
                  end: 134,
                  attributes: { 'seaworthy.saga': 'checkout' },
                  children: [...steps, database('orders', 131.3, 133.8)],
                },
                published,
              ],
            },
          ],
        },
      ],
    },
  ]
}
