import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  ServerInterceptingCall,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { ConfigurationError, systemClock } from 'seaworthy/core'
import type { Access } from '../access.ts'
import type { Admission } from '../intake/admission.ts'
import { BODY_BYTES_MAX, type Refusal, type Signal } from '../intake/signal.ts'
import { encodeExportResponse } from '../otlp/decode-protobuf.ts'
import { retryInfo } from './retry-info.ts'

export interface OtlpServerOptions {
  /** 0 takes a free one; the server then says which. */
  readonly port: number
  readonly host: string
  readonly signals: readonly Signal[]
  readonly admission: Admission
  readonly isAllowed: Access
  readonly logger: Pick<Logger, 'error'>
}

/** OTLP over gRPC, without encryption (h2c), one method for each signal. */
export interface OtlpServer {
  readonly port: number
  /** Takes no new call, and ends those in progress when they have been answered, or after a second. */
  close(): Promise<void>
}

/** Calls of one connection at a time. An exporter has one in flight. */
const STREAMS_MAX = 64
const CLOSE_TIMEOUT_MS = 1_000

const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
const NO_METRICS = 'The console keeps no metrics: have Prometheus scrape /metrics of each process, or a Collector route them.'

const CODE: Readonly<Record<Refusal['kind'], status>> = {
  malformed: status.INVALID_ARGUMENT,
  // Sent again it would be refused again; OTLP has RESOURCE_EXHAUSTED not repeated unless a delay comes with it.
  'too-large': status.RESOURCE_EXHAUSTED,
  busy: status.UNAVAILABLE,
}

type Call = ServerUnaryCall<Buffer, Buffer>

/** @throws ConfigurationError when the port is taken */
export async function startOtlpServer({ port, host, signals, admission, isAllowed, logger }: OtlpServerOptions): Promise<OtlpServer> {
  const server = new Server({
    'grpc.max_receive_message_length': BODY_BYTES_MAX,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    interceptors: [admitting(admission, isAllowed)],
  })
  for (const signal of signals) {
    unary(server, signal.grpcPath, (call, answer) => {
      try {
        const taken = signal.take({ encoding: 'protobuf', body: call.request })
        if (taken.kind === 'taken') answer(null, encodeExportResponse(taken.rejected, taken.why))
        else answer(refusal(taken))
      } catch (error) {
        logger.error({ err: error, method: signal.grpcPath }, 'request failed')
        answer({ code: status.INTERNAL, details: 'The console failed to answer. Its log says why.' })
      }
    })
  }
  // Said in words, because an exporter shows them to whoever configured it.
  unary(server, METRICS, (_call, answer) => answer({ code: status.UNIMPLEMENTED, details: NO_METRICS }))

  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  server.bindAsync(address, ServerCredentials.createInsecure(), (cause, bound) => {
    if (cause === null) resolve(bound)
    else {
      const why = `The console cannot listen on ${address} for OTLP over gRPC. Free it, or choose another by --console-grpc-port or SEAWORTHY_CONSOLE_GRPC_PORT.`
      reject(new ConfigurationError(why, { cause }))
    }
  })
  return { port: await promise, close: () => close(server) }
}

function unary(server: Server, path: string, handle: (call: Call, answer: sendUnaryData<Buffer>) => void): void {
  const bytes = (message: Buffer): Buffer => message
  server.register(path, handle, bytes, bytes, 'unary')
}

async function close(server: Server): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  server.tryShutdown(() => resolve())
  const patience = systemClock.timer(CLOSE_TIMEOUT_MS, () => resolve())
  await closed
  patience.cancel()
  server.forceShutdown()
}

function refusal({ kind, why }: Refusal): StatusObject {
  const metadata = new Metadata()
  if (kind === 'busy') metadata.set('grpc-status-details-bin', retryInfo(CODE[kind], why))
  return { code: CODE[kind], details: why, metadata }
}

/** Lets a call in before its message is read, so that however many come, few are in memory. */
function admitting(admission: Admission, isAllowed: Access): ServerInterceptor {
  return (_method, call) => {
    let leave: (() => void) | undefined
    const left = (): void => {
      leave?.()
      leave = undefined
    }
    const onReceiveMetadata = (metadata: Metadata, next: (metadata: Metadata) => void): void => {
      const [authorization] = metadata.get('authorization')
      const peer = call.getPeer()
      const address = peer.slice(0, peer.lastIndexOf(':')).replaceAll(/^\[|\]$/g, '')
      if (!isAllowed({ address, authorization: authorization?.toString() })) {
        call.sendStatus({ code: status.UNAUTHENTICATED, details: 'Send the console’s token: authorization: Bearer TOKEN.' })
        return
      }
      const entered = admission.enter()
      if (typeof entered !== 'function') {
        call.sendStatus(refusal(entered))
        return
      }
      leave = entered
      next(metadata)
    }
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata,
          onReceiveMessage: (message, deliver) => deliver(message),
          onReceiveHalfClose: (deliver) => deliver(),
          onCancel: left,
        }),
      sendStatus: (sent, next) => {
        left()
        next(sent)
      },
    })
  }
}
