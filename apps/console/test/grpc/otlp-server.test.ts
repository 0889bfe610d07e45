import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Client, type ClientOptions, Metadata, type ServiceError, compressionAlgorithms, credentials, status } from '@grpc/grpc-js'
import { createLogger } from '@seaworthy/telemetry/logger'
import { accessBy } from '../../src/access.ts'
import { startOtlpServer } from '../../src/grpc/otlp-server.ts'
import { Admission } from '../../src/intake/admission.ts'
import { BODY_BYTES_MAX, BUSY, type Sent, type Signal } from '../../src/intake/signal.ts'
import { traceSignal } from '../../src/intake/traces.ts'
import type { SpanRow } from '../../src/otlp/rows.ts'
import { bytesField, varintField } from '../../src/otlp/protobuf-writer.ts'

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

const fixed64 = (field: number, value: bigint): Buffer => {
  const bytes = Buffer.alloc(9)
  bytes[0] = field * 8 + 1
  bytes.writeBigUInt64LE(value, 1)
  return bytes
}
const span = (spanId: string, name = 'a span'): Buffer =>
  Buffer.concat([
    bytesField(1, Buffer.from(TRACE_ID, 'hex')),
    bytesField(2, Buffer.from(spanId, 'hex')),
    bytesField(5, Buffer.from(name)),
    fixed64(7, 1_795_438_250_000_000_000n),
    fixed64(8, 1_795_438_250_100_000_000n),
  ])
const request = (...spans: readonly Buffer[]): Buffer =>
  bytesField(1, bytesField(2, Buffer.concat(spans.map((each) => bytesField(2, each)))))

interface Answer {
  readonly code: status
  readonly details: string
  readonly body: Buffer | undefined
  readonly metadata: Metadata
}

async function started(t: TestContext, options: { signals?: readonly Signal[]; admission?: Admission; token?: string } = {}) {
  const rows: SpanRow[] = []
  const offer = (offered: readonly SpanRow[]): boolean => {
    rows.push(...offered)
    return true
  }
  const server = await startOtlpServer({
    port: 0,
    host: '127.0.0.1',
    signals: options.signals ?? [traceSignal({ offer })],
    admission: options.admission ?? new Admission(),
    isAllowed: accessBy(options.token),
    logger: createLogger({ service: 'console', instance: 'console-1', level: 'silent' }),
  })
  const clients: Client[] = []
  t.after(async () => {
    for (const client of clients) client.close()
    await server.close()
  })
  const call = (path: string, body: Buffer, given: { options?: ClientOptions; metadata?: Metadata } = {}): Promise<Answer> => {
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure(), given.options ?? {})
    clients.push(client)
    const bytes = (value: Buffer): Buffer => value
    return new Promise((resolve) => {
      client.makeUnaryRequest(path, bytes, bytes, body, given.metadata ?? new Metadata(), (error: ServiceError | null, answer?: Buffer) =>
        resolve({
          code: error?.code ?? status.OK,
          details: error?.details ?? '',
          body: answer,
          metadata: error?.metadata ?? new Metadata(),
        }),
      )
    })
  }
  return { server, rows, call }
}

test('spans over gRPC are taken, plain and gzip, and the answer is empty', async (t) => {
  const { rows, call } = await started(t)
  const plain = await call(TRACES, request(span('00f067aa0ba902b7')))
  assert.deepEqual([plain.code, plain.body?.length], [status.OK, 0])
  const zipped = await call(TRACES, request(span('00f067aa0ba902b8', 'x'.repeat(500))), {
    options: { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip },
  })
  assert.deepEqual([zipped.code, zipped.details], [status.OK, ''])
  assert.deepEqual(
    rows.map(({ spanId }) => spanId),
    ['00f067aa0ba902b7', '00f067aa0ba902b8'],
  )
})

test('what breaks the specification is said as a partial success, and the rest is kept', async (t) => {
  const { rows, call } = await started(t)
  const { code, body } = await call(TRACES, request(span('00f067aa0ba902b7'), span('0000000000000000')))
  assert.equal(code, status.OK)
  const why = 'spanId is not 16 hexadecimal digits other than all zero'
  assert.deepEqual(body, bytesField(1, Buffer.concat([varintField(1, 1), bytesField(2, Buffer.from(why))])))
  assert.equal(rows.length, 1)
})

test('a message that is none is an invalid argument, and says what is wrong', async (t) => {
  const { call } = await started(t)
  const { code, details } = await call(TRACES, Buffer.from([0x0a, 0xff]))
  assert.equal(code, status.INVALID_ARGUMENT)
  assert.match(details, /no OTLP trace request: the message ends before its content does/)
})

test('a message over the limit is refused, also one that only unpacks to it', async (t) => {
  const { call, rows } = await started(t)
  const large = request(span('00f067aa0ba902b7', 'x'.repeat(BODY_BYTES_MAX)))
  assert.equal((await call(TRACES, large)).code, status.RESOURCE_EXHAUSTED)
  const bomb = await call(TRACES, large, { options: { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip } })
  assert.equal(bomb.code, status.RESOURCE_EXHAUSTED)
  assert.equal(rows.length, 0)
})

test('a full queue is UNAVAILABLE, with the delay that OTLP has a sender wait', async (t) => {
  const signals = [{ ...traceSignal({ offer: () => false }), take: () => BUSY }]
  const { code, details, metadata } = await (await started(t, { signals })).call(TRACES, request(span('00f067aa0ba902b7')))
  assert.deepEqual([code, details], [status.UNAVAILABLE, BUSY.why])
  const [encoded] = metadata.get('grpc-status-details-bin')
  const retry = Buffer.concat([Buffer.from('type.googleapis.com/google.rpc.RetryInfo'), Buffer.from([0x12, 4, 0x0a, 2, 0x08, 1])])
  assert.ok(Buffer.from(encoded as Buffer).includes(retry), 'a RetryInfo of one second')
})

test('a call that finds the door full is told so before its message is read, and its place is free again afterwards', async (t) => {
  const admission = new Admission(1)
  const taken: Sent[] = []
  const signals = [
    {
      ...traceSignal({ offer: () => true }),
      take: (sent: Sent) => {
        taken.push(sent)
        return { kind: 'taken', rejected: 0, why: '' } as const
      },
    },
  ]
  const { call } = await started(t, { admission, signals })
  const leave = admission.enter()
  assert.ok(typeof leave === 'function')
  const refused = await call(TRACES, request(span('00f067aa0ba902b7')))
  assert.deepEqual([refused.code, taken.length, admission.refused], [status.UNAVAILABLE, 0, 1])
  leave()
  for (let turn = 0; turn < 3; turn++) assert.equal((await call(TRACES, request(span('00f067aa0ba902b7')))).code, status.OK)
  await call(TRACES, Buffer.from([0x0a, 0xff]))
  assert.equal((await call(TRACES, request())).code, status.OK, 'a refused message has left too')
})

test('metrics are said to be unsupported, and an unknown method too', async (t) => {
  const { call } = await started(t)
  const { code, details } = await call(METRICS, Buffer.alloc(0))
  assert.equal(code, status.UNIMPLEMENTED)
  assert.match(details, /keeps no metrics.*Prometheus/)
  assert.equal((await call('/some.Service/Method', Buffer.alloc(0))).code, status.UNIMPLEMENTED)
})

test('a connection that speaks no HTTP/2 ends, and the others go on', async (t) => {
  const { server, call } = await started(t)
  await new Promise<void>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'))
    socket.resume()
    socket.on('close', () => resolve())
    socket.on('error', () => undefined)
  })
  assert.equal((await call(TRACES, request(span('00f067aa0ba902b7')))).code, status.OK)
})
