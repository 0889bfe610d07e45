import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { constants, createServer as createHttp2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { describe, test, type TestContext } from 'node:test'
import {
  ConfigurationError,
  currentContext,
  exponential,
  rootContext,
  TimeoutError,
  UnavailableError,
  UnknownOutcomeError,
} from 'seaworthy/core'
import { policy } from 'seaworthy/resilience'
import { grpcClient } from '@seaworthy/rpc/grpc'
import { Ledger } from './gen/ledger_pb.js'
import { eventually, failureOfCall, freePort, ledgerClient, type Seen, seen, startLedger, within } from '../fixtures.ts'
import { recordOperations } from '../operations.ts'

describe('what a gRPC client knows of a call that failed', () => {
  test('a refused connection: surely not executed', async (t) => {
    const client = ledgerClient(t, { address: `127.0.0.1:${await freePort()}` })
    const error = await failureOfCall(client.post({}))
    assert.ok(error instanceof UnavailableError)
    assert.equal(error.executed, 'no')
  })

  test('a name that does not resolve: surely not executed', async (t) => {
    const error = await failureOfCall(ledgerClient(t, { address: 'no-such-host.invalid:1' }).post({}, within(5_000)))
    assert.equal(error.executed, 'no')
  })

  test('something that does not speak HTTP/2: no stream is opened, so surely not executed', async (t) => {
    const address = await listen(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const error = await failureOfCall(ledgerClient(t, { address }).post({}, within(3_000)))
    assert.ok(error instanceof UnavailableError, `${error}`)
  })

  test('no connection within the time for connecting: surely not executed', async (t) => {
    const address = await listen(t, () => {})
    const error = await failureOfCall(ledgerClient(t, { address }, { connectTimeoutMs: 30 }).post({}))
    assert.ok(error instanceof UnavailableError, `${error}`)
    assert.match(error.message, /within 30 ms/)
  })

  test('a deadline that passes before there is a connection: surely not executed', async (t) => {
    const address = await listen(t, () => {})
    const error = await failureOfCall(ledgerClient(t, { address }, { connectTimeoutMs: 5_000 }).post({}, within(30)))
    assert.ok(error instanceof TimeoutError, `${error}`)
    assert.equal(error.executed, 'no')
  })

  test('no time left: nothing is sent', async (t) => {
    let connections = 0
    const address = await listen(t, () => connections++)
    const error = await failureOfCall(ledgerClient(t, { address }).post({}, within(-1)))
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'no')
    assert.equal(connections, 0)
  })

  test('no answer by the deadline: it may have been executed', async (t) => {
    const { client } = await startLedger(t, { post: () => new Promise(() => {}) })
    const error = await failureOfCall(client.post({}, within(60)))
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.executed, 'maybe')
  })

  test('a connection that broke after the call was sent: it may have been executed', async (t) => {
    const { server, client } = await startLedger(t, {
      post: () => {
        void server.drain({ timeoutMs: 0 })
        return new Promise(() => {})
      },
    })
    const error = await failureOfCall(client.post({}, within(5_000)))
    assert.ok(error instanceof UnknownOutcomeError || error.executed === 'maybe', `${error}`)
    assert.equal(error.executed, 'maybe')
  })

  test('a stream that the server refused: surely not executed', async (t) => {
    const address = await http2Server(t, (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM))
    const error = await failureOfCall(ledgerClient(t, { address }).post({}, within(5_000)))
    assert.ok(error instanceof UnavailableError, `${error}`)
  })

  test('a stream above the last one of a GOAWAY: surely not executed', async (t) => {
    const error = await failureOfCall(ledgerClient(t, { address: await goawayServer(t, 0) }).post({}, within(5_000)))
    assert.ok(error instanceof UnavailableError, `${error}`)
    // The first stream of a client is number 1: this GOAWAY leaves open whether it was processed.
    const processed = await failureOfCall(ledgerClient(t, { address: await goawayServer(t, 1) }).post({}, within(5_000)))
    assert.equal(processed.executed, 'maybe')
  })

  test('a stream that was reset with any other code: it may have been executed', async (t) => {
    for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_NO_ERROR]) {
      const address = await http2Server(t, (stream) => stream.close(code))
      assert.equal((await failureOfCall(ledgerClient(t, { address }).post({}, within(2_000)))).executed, 'maybe', String(code))
    }
  })

  test('an abort ends the call with its own reason, and reaches the handler', async (t) => {
    const { promise: aborted, resolve: abort } = Promise.withResolvers<string>()
    const { client, log } = await startLedger(t, {
      post: (_, call) =>
        new Promise((_, reject) => {
          call.signal!.addEventListener('abort', () => {
            abort((call.signal!.reason as Error).name)
            reject(call.signal!.reason as Error)
          })
          controller.abort(reason)
        }),
    })
    const controller = new AbortController()
    const reason = new Error('The user went home.')
    assert.equal(await failureOfCall(client.post({}, rootContext({ signal: controller.signal }))), reason)
    assert.equal(await aborted, 'AbortError')
    assert.equal(await failureOfCall(client.post({}, rootContext({ signal: AbortSignal.abort(reason) }))), reason)
    assert.deepEqual(log.lines, [])
  })
})

describe('a gRPC client', () => {
  test('sends its context, and less time than it has', async (t) => {
    let current: string | undefined
    const { client } = await startLedger(t, {
      post: async (_, call) => {
        await Promise.resolve()
        current = currentContext()?.idempotencyKey
        return { seen: seen(call) }
      },
    })
    const fields = {
      correlationId: 'c-1',
      idempotencyKey: 'k',
      actor: 'a',
      baggage: 'x=y',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
    }
    const got = JSON.parse((await client.post({}, within(5_000, fields))).seen) as Seen
    const { leftMs, deadlineMs: _, ...rest } = got
    assert.deepEqual(rest, fields)
    assert.ok(leftMs! > 0 && leftMs! <= 5_000, `${leftMs}`)
    assert.equal(current, 'k')
    assert.equal((JSON.parse((await client.post({}, rootContext())).seen) as Seen).leftMs, null)
  })

  test('the second of two hops has less time than the first', async (t) => {
    const last = await startLedger(t)
    const middle = await startLedger(t, {
      post: async (request, call) => {
        const spent = performance.now() + 20
        while (performance.now() < spent) await new Promise((resolve) => setImmediate(resolve))
        return last.client.post({ account: request.account }, call)
      },
    })
    const got = JSON.parse((await middle.client.post({}, within(5_000))).seen) as Seen
    assert.ok(got.leftMs! > 0 && got.leftMs! <= 4_981, `${got.leftMs}`)
  })

  test('a handler is told when its deadline passes', async (t) => {
    const { promise: reason, resolve: tell } = Promise.withResolvers<Error>()
    const { client } = await startLedger(t, {
      post: (_, call) => new Promise(() => call.signal!.addEventListener('abort', () => tell(call.signal!.reason as Error))),
    })
    // A second way to the handler, so that it is the server's deadline that is seen and not the client's cancellation.
    assert.ok((await failureOfCall(client.post({}, within(40)))) instanceof TimeoutError)
    assert.ok(['TimeoutError', 'AbortError'].includes((await reason).name))
  })

  test('finds a server that comes back on the same port within half a second', async (t) => {
    const port = await freePort()
    const patient = policy({ retry: { attemptsMax: 10_000, backoff: exponential({ baseMs: 5, maxMs: 5 }) } }, { name: 'ledger' })
    const client = ledgerClient(t, { address: `127.0.0.1:${port}` }, { policy: patient })
    // Long enough for the back-off to reach its ceiling; grpc-js's own would be past 1.5 s by then.
    const waiting = client.post({ account: 'early' }, within(10_000))
    const until = performance.now() + 1_200
    while (performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
    await startLedger(t, {}, { port })
    const upAt = performance.now()
    assert.equal((await waiting).entryId, 'early')
    assert.ok(performance.now() - upAt < 1_200, `${performance.now() - upAt} ms`)
  })

  test('and its server describe their work', async (t) => {
    const spans = { client: recordOperations(t, 'grpc.client'), server: recordOperations(t, 'grpc.server') }
    const { client, server } = await startLedger(t, { balance: () => Promise.reject(new Error('broken')) })
    await client.post({}, rootContext({ correlationId: 'c-9' }))
    await failureOfCall(client.balance({}))
    const method = 'seaworthy.test.v1.Ledger/Post'
    assert.equal(spans.client[0]!.kind, 'client')
    assert.deepEqual(
      { name: spans.client[0]!.name, ...spans.client[0]!.attributes },
      {
        name: method,
        'rpc.system.name': 'grpc',
        'rpc.method': method,
        'server.address': '127.0.0.1',
        'server.port': server.port,
        'seaworthy.correlation_id': 'c-9',
        'rpc.response.status_code': 'OK',
      },
    )
    assert.partialDeepStrictEqual(spans.server[0], {
      name: method,
      kind: 'server',
      attributes: { 'rpc.response.status_code': 'OK', 'seaworthy.correlation_id': 'c-9' },
    })
    assert.partialDeepStrictEqual(spans.server[1], { failure: 'internal', attributes: { 'rpc.response.status_code': 'INTERNAL' } })
    assert.partialDeepStrictEqual(spans.client[1]!.attributes, { 'rpc.response.status_code': 'INTERNAL', 'error.type': 'INTERNAL' })
  })

  test('a call that was given up is no failure of its server, whatever its handler then throws', async (t) => {
    const spans = recordOperations(t, 'grpc.server')
    const controller = new AbortController()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { client } = await startLedger(t, {
      balance: (_request, call) =>
        new Promise((_resolve, reject) => {
          call.signal!.addEventListener('abort', () => {
            reject(call.signal!.reason as Error)
            setImmediate(end)
          })
          controller.abort(new Error('never mind'))
        }),
    })
    await failureOfCall(client.balance({}, rootContext({ signal: controller.signal })))
    await ended
    assert.equal(spans[0]!.failure, undefined)
    assert.partialDeepStrictEqual(spans[0]!.attributes, { 'rpc.response.status_code': 'CANCELLED', 'error.type': 'cancelled' })
  })
})

async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    sockets.add(socket)
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Speaks just enough HTTP/2 to say GOAWAY when a request arrives, and to close. */
function goawayServer(t: TestContext, lastStreamId: number): Promise<string> {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
  const goaway = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, lastStreamId, 0, 0, 0, 0])
  const prefaceLength = 24
  const HEADERS_FRAME = 1
  return listen(t, (socket) => {
    socket.write(settings)
    let received = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      for (let at = prefaceLength; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) {
        if (received[at + 3] === HEADERS_FRAME) {
          socket.end(goaway)
          return
        }
      }
    })
  })
}

async function http2Server(t: TestContext, onStream: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createHttp2Server()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    onStream(stream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('several instances of a gRPC service', () => {
  test('share the calls, and one that has gone gets none', async (t) => {
    const counts = [0, 0]
    const servers = await Promise.all(
      counts.map((_, index) =>
        startLedger(t, {
          balance: () => {
            counts[index]!++
            return { cents: 5n }
          },
        }),
      ),
    )
    const client = grpcClient(Ledger, { address: servers.map(({ server }) => server.address) })
    t.after(() => client[Symbol.dispose]())
    await eventually(async () => {
      await client.balance({})
      return counts.every((count) => count > 0)
    }, 'both are asked')
    await servers[0]!.server.drain({ timeoutMs: 0 })
    const before = [...counts]
    await eventually(async () => {
      const answered = await client.balance({}).then(
        () => true,
        () => false,
      )
      return answered && counts[1]! > before[1]!
    }, 'the other answers')
    for (let call = 0; call < 10; call++) await client.balance({})
    assert.deepEqual(counts[0], before[0])
  })

  test('there is at least one', () => {
    assert.throws(() => grpcClient(Ledger, { address: [] }), ConfigurationError)
  })
})
