import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { currentContext, type Operation, watchOperations } from 'seaworthy/core'
import { ask, gatewayBefore, until, upstream } from './rig.ts'

interface Heard {
  readonly kind: string
  readonly operation: Operation
  readonly correlationId: string | undefined
  readonly error: unknown
}

/** What the gateway tells those who listen, when it ends. */
function listening(t: TestContext): Heard[] {
  const heard: Heard[] = []
  const stops: (() => void)[] = []
  const stop = watchOperations((kind, channel) => {
    if (!kind.startsWith('http-proxy.')) return
    const handlers = {
      start: () => {},
      end: () => {},
      asyncStart: () => {},
      asyncEnd: (operation: Operation & { error?: unknown }) =>
        void heard.push({ kind, operation, correlationId: currentContext()?.correlationId, error: operation.error }),
      error: () => {},
    }
    channel.subscribe(handlers)
    stops.push(() => channel.unsubscribe(handlers))
  })
  t.after(() => {
    stop()
    for (const each of stops) each()
  })
  return heard
}

describe('what the gateway tells of a request', () => {
  test('is its route, not its path, and the call to the upstream within it', async (t) => {
    const heard = listening(t)
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders }, {}, [{ path: '/api/orders/:orderId', service: 'orders' }])
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await ask(port, { path: '/api/orders/17?card=1', headers: { 'x-correlation-id': 'c-17', traceparent } })
    await until(() => heard.length === 2, 'both end')
    const [call, request] = heard
    assert.equal(request!.kind, 'http-proxy.request')
    assert.equal(request!.correlationId, 'c-17')
    assert.deepEqual(request!.operation, {
      name: 'GET /api/orders/:orderId',
      kind: 'server',
      parent: { traceparent, tracestate: undefined },
      attributes: {
        'http.request.method': 'GET',
        'url.scheme': 'http',
        'url.path': '/api/orders/17',
        'http.route': '/api/orders/:orderId',
        'seaworthy.upstream': 'orders',
        'seaworthy.correlation_id': 'c-17',
        'http.response.status_code': 200,
      },
      ...('result' in request!.operation && { result: undefined }),
    })
    assert.equal(call!.kind, 'http-proxy.attempt')
    assert.equal(call!.correlationId, 'c-17')
    assert.equal(call!.operation.name, 'GET orders')
    assert.equal(call!.operation.kind, 'client')
    assert.equal(call!.operation.attributes['http.response.status_code'], 200)
    assert.equal(call!.operation.attributes['server.port'], orders.port)
  })

  test('is a failure when the gateway had no answer, and each attempt is told of', async (t) => {
    const heard = listening(t)
    const orders = await upstream(t)
    const { port, logged } = await gatewayBefore(t, { orders }, { waitMaxMs: 100 })
    await orders.stop()
    await ask(port, { path: '/orders' })
    await until(() => heard.some(({ kind }) => kind === 'http-proxy.request'), 'the request ends')
    const request = heard.find(({ kind }) => kind === 'http-proxy.request')!.operation
    assert.equal(request.attributes['http.response.status_code'], 503)
    assert.equal(request.attributes['error.type'], 'unavailable')
    assert.match(request.failure ?? '', /orders was not there/)
    const attempts = heard.filter(({ kind }) => kind === 'http-proxy.attempt')
    assert.ok(attempts.length >= 2)
    for (const { error } of attempts) assert.match(String(error), /cannot be reached/)
    assert.match(logged.at(-1)!.message, /GET \/orders was not answered/)
  })

  test('is a failure on both sides when the upstream answers so', async (t) => {
    const heard = listening(t)
    const orders = await upstream(t, (request, response) => {
      request.resume()
      response.writeHead(500).end()
    })
    const { port } = await gatewayBefore(t, { orders })
    await ask(port, { path: '/orders' })
    await until(() => heard.length === 2, 'both end')
    for (const { operation } of heard) assert.deepEqual([operation.attributes['error.type'], operation.failure], ['500', 'answered 500'])
  })

  test('has no route where there is none, and is no failure of the gateway', async (t) => {
    const heard = listening(t)
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await ask(port, { path: '/nothing/17' })
    await until(() => heard.length === 1, 'the request ends')
    const { operation } = heard[0]!
    assert.equal(operation.name, 'GET')
    assert.equal(operation.attributes['http.route'], undefined)
    assert.equal(operation.attributes['http.response.status_code'], 404)
    assert.equal(operation.failure, undefined)
  })
})
