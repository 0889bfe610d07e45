import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Client, ChannelCredentials, Metadata, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js'
import { createHttpProxy } from '@seaworthy/http-proxy'
import { NotFoundError, TimeoutError, UnavailableError } from 'seaworthy/core'
import { BalanceResponseSchema, Ledger } from './gen/ledger_pb.js'
import { eventually, failureOfCall, ledgerClient, seen, startLedger, within } from '../fixtures.ts'

const SERVICE = '/seaworthy.test.v1.Ledger/*'
const WATCH = '/seaworthy.test.v1.Ledger/Watch'
const asIs = (bytes: Buffer) => bytes

/** A proxy before a server of gRPC. @returns its address */
async function proxyBefore(t: TestContext, address: string, limits: { readonly answerTimeoutMs?: number } = {}): Promise<string> {
  const proxy = createHttpProxy({
    routes: [{ path: SERVICE, service: 'ledger' }],
    upstreams: new Map([['ledger', { url: new URL(`http://${address}`), protocol: 'h2' }]]),
    limits: { drainTimeoutMs: 100, ...limits },
    onDefect: (error) => assert.fail(String(error)),
  })
  const port = await proxy.listen(0)
  t.after(() => proxy.drain())
  return `127.0.0.1:${port}`
}

/** A server whose one method streams what it is told to. */
async function watchServer(t: TestContext, watch: (call: ServerWritableStream<Buffer, Buffer>) => void): Promise<string> {
  const server = new Server()
  const method = { path: WATCH, requestStream: false, responseStream: true }
  const passed = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs }
  server.addService({ watch: { ...method, ...passed } }, { watch })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  t.after(() => server.forceShutdown())
  return `127.0.0.1:${port}`
}

function watcher(t: TestContext, address: string) {
  const client = new Client(address, ChannelCredentials.createInsecure())
  t.after(() => client.close())
  return client.makeServerStreamRequest(WATCH, asIs, asIs, Buffer.alloc(0))
}

const balance = (cents: bigint) => Buffer.from(toBinary(BalanceResponseSchema, create(BalanceResponseSchema, { cents })))

describe('gRPC through the proxy', () => {
  test('unary calls come and go as they do without it', async (t) => {
    const { server } = await startLedger(t)
    const client = ledgerClient(t, { address: await proxyBefore(t, server.address) })
    const memo = new Uint8Array(200_000).fill(7)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => client.post({ account: `a${index}`, memo })))
    assert.deepEqual(
      answers.map(({ entryId }) => entryId),
      Array.from({ length: 20 }, (_, index) => `a${index}`),
    )
    assert.ok(Buffer.from(answers[0]!.memo).equals(memo))
  })

  test('a deadline reaches the handler, and a late call ends for both sides', async (t) => {
    let [leftMs, aborted] = [0, false]
    const { server } = await startLedger(t, {
      post: async (_request, call) => {
        leftMs = JSON.parse(seen(call)).leftMs
        await once(call.signal!, 'abort')
        aborted = true
        return {}
      },
    })
    const client = ledgerClient(t, { address: await proxyBefore(t, server.address) })
    const error = await failureOfCall(client.post({}, within(150)))
    assert.ok(error instanceof TimeoutError, String(error))
    assert.ok(leftMs > 0 && leftMs <= 150, `${leftMs} ms`)
    await eventually(() => aborted, 'the handler is told')
  })

  test('an error in the trailers is the error that was thrown, with what is known of the effect', async (t) => {
    const { server } = await startLedger(t, {
      post: () => {
        throw new NotFoundError('There is no account 17.')
      },
    })
    const error = await failureOfCall(ledgerClient(t, { address: await proxyBefore(t, server.address) }).post({}))
    assert.ok(error instanceof NotFoundError, String(error))
    assert.equal(error.message, 'There is no account 17.')
    assert.equal(error.executed, 'no')
  })

  test('messages stream as they are written, and their end has a status', async (t) => {
    let write = (_cents: bigint) => {}
    let end = () => {}
    const address = await watchServer(t, (call) => {
      write = (cents) => call.write(balance(cents))
      end = () => {
        const metadata = new Metadata()
        metadata.set('x-total', '3')
        call.end(metadata)
      }
      write(1n)
    })
    const call = watcher(t, await proxyBefore(t, address))
    const seenCents: bigint[] = []
    call.on('data', (bytes: Buffer) => seenCents.push(fromBinary(BalanceResponseSchema, bytes).cents))
    const ended = once(call, 'status')
    await eventually(() => seenCents.length === 1, 'the first')
    write(2n)
    await eventually(() => seenCents.length === 2, 'the second, before the end')
    end()
    const [{ code, metadata }] = await ended
    assert.deepEqual([seenCents, code, metadata.get('x-total')], [[1n, 2n], status.OK, ['3']])
  })

  test('a client that cancels a stream is gone for the server', async (t) => {
    let cancelled = false
    const address = await watchServer(t, (call) => {
      call.on('cancelled', () => (cancelled = true))
      call.write(balance(1n))
    })
    const call = watcher(t, await proxyBefore(t, address)).on('error', () => {})
    await once(call, 'data')
    call.cancel()
    await eventually(() => cancelled, 'the server hears of it')
  })

  test('a server that is away is UNAVAILABLE, surely not executed, in the words of gRPC', async (t) => {
    const { server } = await startLedger(t)
    const { address } = server
    await server.drain({ timeoutMs: 0 })
    const client = ledgerClient(t, { address: await proxyBefore(t, address) })
    const error = await failureOfCall(client.post({}))
    assert.ok(error instanceof UnavailableError, String(error))
    assert.equal(error.executed, 'no')
    assert.match(error.message, /ledger cannot be reached/)
  })

  test('a server that is too late is DEADLINE_EXCEEDED, perhaps executed', async (t) => {
    const { server } = await startLedger(t, { post: () => new Promise(() => {}) })
    const client = ledgerClient(t, { address: await proxyBefore(t, server.address, { answerTimeoutMs: 40 }) })
    const error = await failureOfCall(client.post({}))
    assert.ok(error instanceof TimeoutError, String(error))
    assert.equal(error.executed, 'maybe')
  })

  test(`a method that no route has is not implemented: ${Ledger.typeName}2`, async (t) => {
    const address = await proxyBefore(t, '127.0.0.1:1')
    const client = new Client(address, ChannelCredentials.createInsecure())
    t.after(() => client.close())
    const call = client.makeServerStreamRequest('/seaworthy.test.v1.Ledger2/Watch', asIs, asIs, Buffer.alloc(0)).resume()
    const [error] = await once(call, 'error')
    assert.equal(error.code, status.UNIMPLEMENTED)
  })
})
