import type { SpanSpec } from './checkout-trace.ts'

/** What a process says that did nothing but wait. */
const IDLE = { 'seaworthy.time.cpu_ms': 0, 'seaworthy.time.loop_active_ms': 0, 'seaworthy.time.loop_blocked_ms': 0 }

/** A checkout that waits 1,600 of 1,740 ms for a row that a batch job of another service keeps locked. */
export function lockedCheckout(service = 'orders'): readonly SpanSpec[] {
  const update: SpanSpec = {
    service: 'inventory',
    name: 'UPDATE stock',
    kind: 'client',
    start: 70,
    end: 1_690,
    attributes: {
      'db.system.name': 'postgresql',
      'seaworthy.time.pool_wait_ms': 2,
      'seaworthy.time.lock_wait_ms': 1_600,
      'seaworthy.time.execute_ms': 14,
      'seaworthy.lock.blocker.trace_id': '4bf92f3577b34da6a3ce929d0e0e4736',
      'seaworthy.lock.blocker.span_id': '00f067aa0ba902b7',
      'seaworthy.lock.blocker.service': 'nightly-recount',
      'seaworthy.lock.blocker.state': 'idle in transaction',
      'seaworthy.lock.blocker.idle_ms': 1_612,
      'seaworthy.lock.blocker.statement': 'UPDATE stock SET counted = $1 WHERE sku = $2',
      'seaworthy.lock.chain_length': 1,
    },
  }
  return [
    {
      service,
      name: 'POST /api/checkout',
      kind: 'server',
      start: 0,
      end: 1_740,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/checkout',
        'url.path': '/api/checkout',
        'http.response.status_code': 201,
        ...IDLE,
        'seaworthy.time.cpu_ms': 22,
      },
      children: [
        {
          service,
          name: 'inventory.v1.Inventory/Reserve',
          kind: 'client',
          start: 30,
          end: 1_712,
          attributes: { 'rpc.method': 'Reserve' },
          children: [
            {
              service: 'inventory',
              name: 'inventory.v1.Inventory/Reserve',
              kind: 'server',
              start: 34,
              end: 1_706,
              attributes: { ...IDLE, 'seaworthy.time.cpu_ms': 9 },
              children: [update],
            },
          ],
        },
      ],
    },
  ]
}
