import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Client, ChannelCredentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import * as fc from 'fast-check'
import { ConfigurationError, InvalidInputError, LimitExceededError, rootContext } from 'seaworthy/core'
import { BadAnswerError, RemoteFailureError } from '@seaworthy/rpc'
import { grpcServer, implement } from '@seaworthy/rpc/grpc'
import { SqliteFullError } from 'seaworthy/sqlite'
import { errorFromStatus, errorStatus } from '../../src/grpc/errors.ts'
import { FAILURES, LEAK } from '../failures.ts'
import { failureOfCall, startLedger } from '../fixtures.ts'
import { Ledger } from './gen/ledger_pb.js'

describe('errors over gRPC', () => {
  for (const { name, thrown, grpc, arrives, executed, fields } of FAILURES) {
    test(`${name} is answered ${grpc} and arrives as ${arrives.name}, executed: ${executed}`, async (t) => {
      const { client, server, log } = await startLedger(t, { post: () => Promise.reject(thrown) })
      const error = await failureOfCall(client.post({ account: 'a' }, rootContext()))
      assert.ok(error instanceof arrives, `${error}`)
      assert.equal(error.executed, executed)
      for (const [name, value] of Object.entries(fields ?? {})) assert.deepEqual(Reflect.get(error, name), value, name)

      const raw = await rawCall(server.address, '/seaworthy.test.v1.Ledger/Post', new Uint8Array())
      assert.equal(status[raw.code], grpc)
      assert.equal(raw.metadata.get('seaworthy-executed')[0], executed)
      assert.doesNotMatch(`${raw.details} ${JSON.stringify(raw.metadata.getMap())}`, LEAK)
      assert.equal(log.lines.filter((line) => line.level === 'error' && line.fields.err === thrown).length, grpc === 'INTERNAL' ? 2 : 0)
    })
  }

  test('what an engine says of its files is in the log, and not in the answer', async (t) => {
    const thrown = new SqliteFullError('No room is left for /srv/ledger.db.')
    const { server, log } = await startLedger(t, { post: () => Promise.reject(thrown) })
    const raw = await rawCall(server.address, '/seaworthy.test.v1.Ledger/Post', new Uint8Array())
    assert.equal(raw.code, status.UNAVAILABLE)
    assert.doesNotMatch(raw.details, /srv/)
    assert.match(log.lines.map(({ message }) => message).join(), /\/srv\/ledger\.db/)
  })

  test('a message that cannot be read is answered INVALID_ARGUMENT, and was not executed', async (t) => {
    const { server } = await startLedger(t, { post: () => assert.fail('It must not get here.') })
    const raw = await rawCall(server.address, '/seaworthy.test.v1.Ledger/Post', new Uint8Array([0xff, 0xff, 0xff]))
    assert.equal(raw.code, status.INVALID_ARGUMENT)
    assert.equal(raw.metadata.get('seaworthy-executed')[0], 'no')
  })

  test('an idempotency key that is not valid is answered INVALID_ARGUMENT', async (t) => {
    const { server, client } = await startLedger(t)
    const metadata = new Metadata()
    metadata.set('idempotency-key', 'two words')
    assert.equal(
      (await rawCall(server.address, '/seaworthy.test.v1.Ledger/Post', new Uint8Array(), metadata)).code,
      status.INVALID_ARGUMENT,
    )
    assert.ok((await failureOfCall(client.post({}, rootContext({ idempotencyKey: '' })))) instanceof InvalidInputError)
  })

  test('a method that is not served was not executed, and asking again does not help', async (t) => {
    const { server } = await startLedger(t)
    const error = errorFromStatus({
      error: await rawCall(server.address, '/seaworthy.test.v1.Ledger/Watch', new Uint8Array()),
      what: 'Watch',
      started: true,
      timeoutMs: 0,
    })
    assert.ok(error instanceof RemoteFailureError)
    assert.deepEqual([error.executed, error.final], ['no', true])
  })

  test('a request above the limit is not sent; one that the server finds too large may have been executed', async (t) => {
    const { client, server } = await startLedger(t, {}, { messageBytesMax: 1_000, client: { messageBytesMax: 1_500 } })
    const local = await failureOfCall(client.post({ memo: new Uint8Array(2_000) }))
    assert.ok(local instanceof LimitExceededError)
    assert.deepEqual([local.executed, local.final], ['no', true])
    const remote = await failureOfCall(client.post({ memo: new Uint8Array(1_200) }))
    assert.equal(remote.executed, 'maybe')
    assert.equal((await client.post({ account: server.address })).entryId, server.address)
  })

  test('an answer above the limit was executed', async (t) => {
    const { client } = await startLedger(t, { post: () => ({ memo: new Uint8Array(2_000) }) }, { messageBytesMax: 1_000 })
    assert.equal((await failureOfCall(client.post({}))).executed, 'yes')
  })

  test('an answer that cannot be made is an error of the server', async (t) => {
    const { client, log } = await startLedger(t, { balance: () => ({ cents: 1n << 80n }) })
    assert.ok((await failureOfCall(client.balance({}))) instanceof RemoteFailureError)
    assert.equal(log.lines.length, 1)
  })

  test('an answer that cannot be read was executed', async (t) => {
    // The account of the other message is no varint.
    const { server } = await startLedger(t)
    const { Server, ServerCredentials } = await import('@grpc/grpc-js')
    const odd = new Server()
    odd.register(
      '/seaworthy.test.v1.Ledger/Balance',
      (_: unknown, callback: (error: null, bytes: Buffer) => void) => callback(null, Buffer.from([0xff])),
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
      'unary',
    )
    const port = await new Promise<number>((resolve) =>
      odd.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
    )
    t.after(() => odd.forceShutdown())
    const { grpcClient } = await import('@seaworthy/rpc/grpc')
    using client = grpcClient(Ledger, { address: `127.0.0.1:${port}` })
    const error = await failureOfCall(client.balance({}))
    assert.ok(error instanceof BadAnswerError, `${error} ${server.port}`)
    assert.equal(error.executed, 'yes')
  })

  test('any message and any field survive the way through trailers, cut to what fits', () => {
    const text = fc.string({ unit: 'binary', maxLength: 3_000 })
    fc.assert(
      fc.property(text, fc.array(fc.record({ field: text, message: text }), { maxLength: 40 }), (message, fields) => {
        const answer = errorStatus(new InvalidInputError(message, fields))
        assert.ok(Object.values(answer.metadata.toHttp2Headers()).flat().join('').length <= 20_000)
        encodeURI(answer.details)
        const error = errorFromStatus({ error: Object.assign(new Error(), answer), what: 'x', started: true, timeoutMs: 0 })
        assert.ok(error instanceof InvalidInputError)
        assert.equal(error.fields.length, Math.min(fields.length, 16))
      }),
      { numRuns: 100 },
    )
  })

  test('foreign statuses: refusals were not executed, the rest may have been', () => {
    const received = (code: status) =>
      errorFromStatus({
        error: Object.assign(new Error('x'), { code, details: 'x', metadata: new Metadata() }),
        what: 'x',
        started: true,
        timeoutMs: 0,
      })
    const no = [
      status.INVALID_ARGUMENT,
      status.NOT_FOUND,
      status.ALREADY_EXISTS,
      status.PERMISSION_DENIED,
      status.FAILED_PRECONDITION,
      status.ABORTED,
      status.UNAUTHENTICATED,
      status.UNIMPLEMENTED,
    ]
    const maybe = [
      status.UNKNOWN,
      status.CANCELLED,
      status.DEADLINE_EXCEEDED,
      status.RESOURCE_EXHAUSTED,
      status.INTERNAL,
      status.UNAVAILABLE,
      status.DATA_LOSS,
    ]
    for (const code of no) assert.equal(received(code).executed, 'no', status[code])
    for (const code of maybe) assert.equal(received(code).executed, 'maybe', status[code])
  })
})

test('a service without a handler for each of its methods is refused when it is made', () => {
  assert.throws(() => implement(Ledger, { post: () => ({}) } as never), ConfigurationError)
  const service = implement(Ledger, { post: () => ({}), balance: () => ({}) })
  assert.throws(() => grpcServer({ port: 0, services: [service, service] }), ConfigurationError)
})

/** A call as another implementation of gRPC would make it. */
function rawCall(address: string, path: string, bytes: Uint8Array, metadata = new Metadata()): Promise<ServiceError> {
  const client = new Client(address, ChannelCredentials.createInsecure())
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (value: Uint8Array) => Buffer.from(value),
      (value) => value,
      bytes,
      metadata,
      (error) => {
        client.close()
        if (error === null) reject(new Error('The call should have failed.'))
        else resolve(error)
      },
    )
  })
}
