import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { constant } from 'seaworthy/core'
import { echo, ask, gatewayBefore, raw, rawUpstream, requestsSeen, type TestAnswer, until, upstream } from './rig.ts'

const KEY = { 'idempotency-key': 'order-1' }

describe('an upstream that is away', () => {
  test('is waited for: a small body, declared or chunked, is sent once it is back', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await orders.stop()
    const asked = [
      ask(port, { path: '/orders' }),
      ask(port, { method: 'POST', path: '/orders', body: 'x'.repeat(60_000) }),
      ask(port, { method: 'POST', path: '/orders', body: 'y'.repeat(60_000), headers: { 'transfer-encoding': 'chunked' } }),
    ]
    await delay(100)
    await orders.start()
    assert.deepEqual(
      (await Promise.all(asked)).map(({ status, json }) => [status, json['bytes']]),
      [
        [200, 0],
        [200, 60_000],
        [200, 60_000],
      ],
    )
    assert.deepEqual(
      orders.received.map(({ body }) => body.length).toSorted((left, right) => left - right),
      [0, 60_000, 60_000],
    )
  })

  test('is waited for by a large body too, which stays unread meanwhile', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await orders.stop()
    const large = [
      ask(port, { method: 'POST', path: '/orders', body: Buffer.alloc(1_000_000) }),
      ask(port, { method: 'POST', path: '/orders', body: Buffer.alloc(1_000_000), headers: { 'transfer-encoding': 'chunked' } }),
    ]
    await delay(100)
    await orders.start()
    for (const answer of await Promise.all(large)) assert.equal(answer.json['bytes'], 1_000_000)
  })

  test('is given up after the wait: 503, surely not executed, with Retry-After', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders }, { waitMaxMs: 100 })
    await orders.stop()
    const answer = await ask(port, { method: 'POST', path: '/orders', body: 'x' })
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['x-seaworthy-executed'], 'no')
    assert.equal(answer.headers['retry-after'], '1')
    assert.match(String(answer.json['detail']), /orders was not there within 100 ms.*ECONNREFUSED/)
  })

  test("is given up sooner when the client's time is shorter: 504, surely not executed", async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await orders.stop()
    for (const timeoutMs of ['50', '0']) {
      const answer = await ask(port, { path: '/orders', headers: { 'x-request-timeout-ms': timeoutMs } })
      assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed'], answer.json['code']], [504, 'no', 'timeout'])
    }
  })

  test('is waited for by so many at most', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders }, { waitMaxMs: 300, waitingMax: 2 })
    await orders.stop()
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(port, { path: '/orders' })))
    const details = answers.map(({ json }) => String(json['detail']))
    assert.ok(answers.every(({ status }) => status === 503))
    assert.equal(details.filter((detail) => detail.includes('2 requests wait for it already (waitingMax)')).length, 2, details.join('\n'))
  })

  test('is not waited for by a client that has gone', async (t) => {
    const orders = await upstream(t)
    const { port } = await gatewayBefore(t, { orders })
    await orders.stop()
    const requests = requestsSeen(t)
    const controller = new AbortController()
    const asked = ask(port, { path: '/orders', signal: controller.signal }).catch(() => 'gone')
    await until(() => requests.begun === 1, 'the request arrives')
    controller.abort()
    assert.equal(await asked, 'gone')
    await until(() => requests.ended === 1, 'the gateway hears of it')
    await orders.start()
    await delay(400) // Longer than the longest back-off.
    assert.equal(orders.received.length, 0)
  })
})

describe('an upstream that drains', () => {
  test('is asked again when it says that it did nothing and closes', async (t) => {
    let drains = 3
    const orders = await upstream(t, (request, response) => {
      if (drains-- > 0) {
        request.resume()
        response.writeHead(503, { connection: 'close', 'x-seaworthy-executed': 'no' }).end('draining')
      } else echo(request, response)
    })
    const { port } = await gatewayBefore(t, { orders })
    const answer = await ask(port, { method: 'POST', path: '/orders', body: 'hello' })
    assert.deepEqual([answer.status, answer.json['bytes']], [200, 5])
  })

  test('a 503 that is about something else goes to the client as it is', async (t) => {
    for (const headers of [
      { 'x-seaworthy-executed': 'no' },
      { connection: 'close' },
      { connection: 'close', 'x-seaworthy-executed': 'maybe' },
    ]) {
      const orders = await upstream(t, (request, response) => {
        request.resume()
        response.writeHead(503, { ...headers, 'retry-after': '7' }).end('payments are away')
      })
      const { port } = await gatewayBefore(t, { orders })
      const answer = await ask(port, { method: 'POST', path: '/orders', body: 'x' })
      assert.deepEqual([answer.status, answer.headers['retry-after'], answer.body], [503, '7', 'payments are away'])
      assert.equal(orders.received.length, 1)
    }
  })
})

describe('a connection that breaks after the request was sent', () => {
  test('as idle, is repeated at once on a fresh one, once', async (t) => {
    const orders = await rawUpstream(t, (socket) => {
      let requests = 0
      socket.on('data', () => {
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        else socket.destroy()
      })
    })
    // No back-off would end in time.
    const { port } = await gatewayBefore(t, { orders }, { waitBackoff: constant(60_000) })
    for (let round = 0; round < 3; round++) {
      const answer = await ask(port, { method: 'POST', path: '/orders', headers: KEY, body: 'x' })
      assert.equal(answer.status, 200)
    }
    assert.equal(orders.connections(), 3)
  })

  /** Breaks the first connection when it has read the request, and answers on the others. */
  const breaking = (t: Parameters<typeof rawUpstream>[0]) => {
    let connections = 0
    return rawUpstream(t, (socket) => {
      const isFirst = ++connections === 1
      socket.on('data', () => {
        if (isFirst) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      })
    })
  }

  for (const [what, request] of [
    ['a safe method', { method: 'GET', path: '/orders' }],
    ['an idempotency key', { method: 'POST', path: '/orders', headers: KEY, body: 'x' }],
  ] as const) {
    test(`is repeated for ${what}`, async (t) => {
      const orders = await breaking(t)
      const { port } = await gatewayBefore(t, { orders })
      const answer = await ask(port, request)
      assert.deepEqual([answer.status, answer.body], [200, 'ok'])
      assert.equal(orders.connections(), 2)
    })
  }

  for (const [what, request] of [
    ['a plain POST', { method: 'POST', path: '/orders', body: 'x' }],
    ['a DELETE', { method: 'DELETE', path: '/orders' }],
    [
      'a key that Connection keeps from the upstream',
      { method: 'POST', path: '/orders', headers: { ...KEY, connection: 'idempotency-key' }, body: 'x' },
    ],
    ['a body too large to be kept', { method: 'POST', path: '/orders', headers: KEY, body: Buffer.alloc(200_000) }],
  ] as const) {
    test(`is not repeated for ${what}: 502, perhaps executed`, async (t) => {
      const orders = await breaking(t)
      const { port } = await gatewayBefore(t, { orders })
      const answer = await ask(port, request)
      assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed'], answer.json['code']], [502, 'maybe', 'unknown-outcome'])
      assert.equal(orders.connections(), 1)
    })
  }

  test('is perhaps executed, also when the upstream is away at every later attempt', async (t) => {
    const orders = await upstream(t, (request) => {
      request.socket.resetAndDestroy()
      orders.server.close()
    })
    const { port } = await gatewayBefore(t, { orders }, { waitMaxMs: 200 })
    const answer = await ask(port, { method: 'POST', path: '/orders', headers: KEY, body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [502, 'maybe'])
  })

  test('an upstream that never answers: 504, perhaps executed, and it is told', async (t) => {
    let aborted = false
    const orders = await upstream(t, (_, response) => response.on('close', () => (aborted = true)))
    const { port } = await gatewayBefore(t, { orders }, { answerTimeoutMs: 50 })
    for (const headers of [{}, { 'x-request-timeout-ms': '20' }]) {
      const answer = await ask(port, { method: 'POST', path: '/orders', headers, body: 'x' })
      assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed'], answer.json['code']], [504, 'maybe', 'timeout'])
    }
    await until(() => aborted, 'the upstream hears of it')
  })

  test('an answer that is no HTTP is an unknown outcome', async (t) => {
    const orders = await rawUpstream(t, (socket) => socket.once('data', () => socket.end('220 smtp ready\r\n')))
    const { port } = await gatewayBefore(t, { orders })
    const answer = await ask(port, { method: 'POST', path: '/orders', body: 'x' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [502, 'maybe'])
  })
})

describe('a hold', () => {
  test('parks new requests in order until the release', async (t) => {
    const orders = await upstream(t)
    const stock = await upstream(t)
    const { gateway, port } = await gatewayBefore(t, { orders, stock })
    const requests = requestsSeen(t)
    assert.equal(await gateway.hold('orders', 'h1'), true)
    const asked: Promise<TestAnswer>[] = []
    for (let number = 0; number < 10; number++) {
      asked.push(ask(port, { method: 'POST', path: `/orders/${number}`, body: 'x' }))
      await until(() => requests.begun === number + 1, 'it arrives')
    }
    assert.equal((await ask(port, { path: '/stock' })).status, 200, 'others go on')
    await delay(50)
    assert.equal(orders.received.length, 0)
    gateway.release('orders', 'h1')
    for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200)
    assert.deepEqual(
      orders.received.map(({ url }) => url),
      Array.from({ length: 10 }, (_, number) => `/orders/${number}`),
    )
  })

  test('is confirmed when the requests in flight have finished, and their connections are closed then', async (t) => {
    let finish = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('done')
    })
    const open = new Set<object>()
    orders.server.on('connection', (socket) => {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
    })
    const { gateway, port } = await gatewayBefore(t, { orders })
    const inFlight = ask(port, { path: '/orders' })
    await until(() => orders.received.length === 1, 'the request arrives')
    let held = false
    const hold = gateway.hold('orders', 'h1').then((isHeld) => (held = isHeld))
    await delay(50)
    assert.equal(held, false)
    finish()
    assert.equal((await inFlight).body, 'done')
    assert.equal(await hold, true)
    await until(() => open.size === 0, 'no connection is left')
  })

  test('does not wait longer than its time for requests in flight, and closes their connections once they have finished', async (t) => {
    let finish = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('done')
    })
    let closed = 0
    orders.server.on('connection', (socket) => socket.on('close', () => closed++))
    const { gateway, port } = await gatewayBefore(t, { orders }, { holdDrainMs: 50 })
    const inFlight = ask(port, { path: '/orders' })
    await until(() => orders.received.length === 1, 'the request arrives')
    assert.equal(await gateway.hold('orders', 'h1'), true)
    finish()
    assert.equal((await inFlight).body, 'done')
    await until(() => closed === 1, 'the connection is closed')
  })

  test('also parks requests that queued for their place when it began', async (t) => {
    const finish: (() => void)[] = []
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish.push(() => response.end('done'))
    })
    const { gateway, port } = await gatewayBefore(t, { orders }, { concurrencyMax: 1 })
    const requests = requestsSeen(t)
    const running = ask(port, { path: '/orders' })
    await until(() => orders.received.length === 1, 'the first arrives')
    const queued = ask(port, { path: '/orders' })
    await until(() => requests.begun === 2, 'the second is queued')
    const held = gateway.hold('orders', 'h1')
    finish[0]!()
    await running
    assert.equal(await held, true)
    await delay(50)
    assert.equal(orders.received.length, 1)
    gateway.release('orders', 'h1')
    await until(() => finish.length === 2, 'the second arrives')
    finish[1]!()
    assert.equal((await queued).status, 200)
  })

  test('of every instance ends for those that are parked with the first that is released', async (t) => {
    const [first, second] = [await upstream(t), await upstream(t)]
    const { gateway, port } = await gatewayBefore(t, { orders: [first, second] })
    await gateway.hold('orders', 'h1', first.url.origin)
    await gateway.hold('orders', 'h2', second.url.origin)
    const asked = ask(port, { path: '/orders' })
    gateway.release('orders', 'h2')
    assert.equal((await asked).status, 200)
    assert.deepEqual([first.received.length, second.received.length], [0, 1])
    gateway.release('orders', 'h1')
  })

  test('that is released before its confirmation is not confirmed', async (t) => {
    let finish = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('done')
    })
    const { gateway, port } = await gatewayBefore(t, { orders })
    const inFlight = ask(port, { path: '/orders' })
    await until(() => orders.received.length === 1, 'the request arrives')
    const hold = gateway.hold('orders', 'h1')
    gateway.release('orders', 'h1')
    finish()
    assert.equal((await inFlight).status, 200)
    assert.equal(await hold, false)
  })

  test('lasts until the last of several is released', async (t) => {
    const orders = await upstream(t)
    const { gateway, port } = await gatewayBefore(t, { orders })
    await gateway.hold('orders', 'h1')
    await gateway.hold('orders', 'h2')
    const asked = ask(port, { path: '/orders' })
    gateway.release('orders', 'h1')
    gateway.release('orders', 'unknown')
    await delay(50)
    assert.equal(orders.received.length, 0)
    gateway.release('orders', 'h2')
    assert.equal((await asked).status, 200)
  })

  test('that nobody releases ends by itself', async (t) => {
    const orders = await upstream(t)
    const { gateway, port, logged } = await gatewayBefore(t, { orders }, { holdMaxMs: 50 })
    await gateway.hold('orders', 'h1')
    assert.equal((await ask(port, { path: '/orders' })).status, 200)
    assert.match(logged[0]!.message, /not released in time/)
  })

  test('does not keep a request beyond its deadline', async (t) => {
    const orders = await upstream(t)
    const { gateway, port } = await gatewayBefore(t, { orders }, { waitMaxMs: 50 })
    await gateway.hold('orders', 'h1')
    const answer = await ask(port, { path: '/orders' })
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [503, 'no'])
    gateway.release('orders', 'h1')
    assert.equal(orders.received.length, 0)
  })
})

describe('the gateway that stops', () => {
  test('finishes what is in flight, closes, and takes no more', async (t) => {
    let finish = () => {}
    const orders = await upstream(t, (request, response) => {
      request.resume()
      finish = () => response.end('done')
    })
    const { gateway, port } = await gatewayBefore(t, { orders }, { drainTimeoutMs: 5_000 })
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const inFlight = ask(port, { path: '/orders', agent })
    await until(() => orders.received.length === 1, 'the request arrives')
    const drained = gateway.drain()
    await assert.rejects(ask(port, { path: '/orders' }), /ECONNREFUSED/)
    finish()
    const answer = await inFlight
    assert.deepEqual([answer.status, answer.headers.connection], [200, 'close'])
    await drained
    assert.equal(gateway.drain(), drained)
  })

  test('answers those that wait when its own time is up, and cuts off the rest', async (t) => {
    const orders = await upstream(t)
    const hanging = await upstream(t, (request, response) => {
      request.resume()
      response.write('begun')
    })
    const silent = await upstream(t, (request) => request.resume())
    const { gateway, port } = await gatewayBefore(t, { orders, hanging, silent }, { drainTimeoutMs: 50 })
    const requests = requestsSeen(t)
    await orders.stop()
    const sent = ask(port, { path: '/silent' })
    const waiting = ask(port, { path: '/orders' })
    const begun = raw(port, 'GET /hanging HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => requests.begun === 3 && hanging.received.length === 1 && silent.received.length === 1, 'all arrive')
    await gateway.drain()
    const answer = await waiting
    assert.deepEqual([answer.status, answer.headers['x-seaworthy-executed']], [503, 'no'])
    assert.match(String(answer.json['detail']), /proxy stops/)
    const unanswered = await sent
    assert.deepEqual([unanswered.status, unanswered.headers['x-seaworthy-executed']], [502, 'maybe'])
    assert.doesNotMatch((await begun).text, /\r\n0\r\n\r\n$/)
  })
})

describe('a restart under load', () => {
  for (const isHeld of [true, false]) {
    test(`loses nothing, ${isHeld ? 'held by the supervisor' : 'with nobody but the gateway to notice'}`, async (t) => {
      const orders = await upstream(t)
      const { gateway, port } = await gatewayBefore(t, { orders })
      const answers: string[] = []
      const load = new AbortController()
      const clients = Array.from({ length: 20 }, async (_, client) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        for (let number = 0; !load.signal.aborted; number++) {
          const write = number % 2 === 0 && { method: 'POST', body: 'x'.repeat(500), headers: { 'idempotency-key': `${client}-${number}` } }
          answers.push(
            await ask(port, { path: `/orders/${client}`, agent, ...write }).then(
              ({ status }) => String(status),
              (error: Error) => error.message,
            ),
          )
        }
        agent.destroy()
      })
      for (let restart = 0; restart < 5; restart++) {
        const before = answers.length
        await until(() => answers.length > before + 50, 'load')
        if (isHeld) await gateway.hold('orders', `h${restart}`)
        await orders.stop()
        await delay(50)
        await orders.start()
        if (isHeld) gateway.release('orders', `h${restart}`)
      }
      load.abort()
      await Promise.all(clients)
      assert.ok(answers.length > 250)
      assert.deepEqual(
        answers.filter((answer) => answer !== '200'),
        [],
      )
    })
  }
})
