import type { DescMethod } from '@bufbuild/protobuf'
import { Metadata, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import {
  assertTimeLeft,
  type CallContext,
  ConfigurationError,
  InvalidInputError,
  observed,
  type Operation,
  SeaworthyError,
  systemClock,
  TimeoutError,
  UnknownOutcomeError,
  withContext,
} from 'seaworthy/core'
import { type HeaderLookup, readContext, readIdempotencyKey, RemoteFailureError } from 'seaworthy/http'
import { stderrLog, type ServerLog } from '../server-log.ts'
import type { GrpcHandler, GrpcImplementation } from './contract.ts'
import { errorStatus } from './errors.ts'
import { bytesMethod, decode, encode, methodName, methodPath, unaryMethods } from './service-definition.ts'

export interface GrpcServerOptions {
  /** 0 takes a free port; `port` of the server then says which. */
  readonly port: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Each made by `implement`. */
  readonly services: readonly GrpcImplementation[]
  /** Largest message, received or sent, in bytes. Default 4 MiB, gRPC's own. */
  readonly messageBytesMax?: number
  /** Default: without encryption, for a private network or behind a proxy that encrypts. */
  readonly credentials?: ServerCredentials
  readonly logger?: ServerLog
}

/** A gRPC server with a drain. */
export interface GrpcServer {
  /** The port it listens on; the wanted one before `start`. */
  readonly port: number
  /** `HOST:PORT`. */
  readonly address: string
  /** @throws ConfigurationError when the port is taken */
  start(): Promise<void>
  /**
   * Stops without failing anybody: no new connections; GOAWAY on open ones, by which clients know that later calls
   * were not executed; calls in flight are finished, for at most `timeoutMs` (3,000), after which their handlers are told by their signals, and cut off a moment
   * later. A second call gets the same promise.
   */
  drain(options?: { readonly timeoutMs?: number }): Promise<void>
}

const MESSAGE_BYTES_MAX = 4_194_304
const DRAIN_TIMEOUT_MS = 3_000
/** How long a handler that was told to end may take to say what it knows. */
const LAST_WORD_MS = 200

const server = observed('grpc.server')

/** Makes a gRPC server. It listens after `start()`. */
export function grpcServer(options: GrpcServerOptions): GrpcServer {
  return new UnaryServer(options)
}

type UnaryCall = ServerUnaryCall<Uint8Array, Uint8Array>

class UnaryServer implements GrpcServer {
  readonly #options: GrpcServerOptions
  readonly #log: ServerLog
  readonly #host: string
  readonly #messageBytesMax: number
  readonly #server: Server
  readonly #running = new Set<AbortController>()
  #port: number
  #drained: Promise<void> | undefined
  #onIdle: () => void = () => {}

  constructor(options: GrpcServerOptions) {
    this.#options = options
    this.#log = options.logger ?? stderrLog
    this.#host = options.host ?? '127.0.0.1'
    this.#port = options.port
    this.#messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX
    this.#server = new Server({
      'grpc.max_receive_message_length': this.#messageBytesMax,
      // Checked here before grpc-js would: it could not say that the call was executed.
      'grpc.max_send_message_length': -1,
      // grpc.enable_channelz stays on: without it grpc-js 1.14 keeps no list of sessions, and forceShutdown ends none of them.
    })
    for (const { service, handlers } of options.services) {
      for (const method of unaryMethods(service)) {
        const { responseSerialize, requestDeserialize } = bytesMethod(method)
        const handler = handlers[method.localName]!
        const isNew = this.#server.register(
          methodPath(method),
          (call: UnaryCall, callback: sendUnaryData<Uint8Array>) => void this.#serve(method, handler, call, callback),
          responseSerialize,
          requestDeserialize,
          'unary',
        )
        if (!isNew) throw new ConfigurationError(`The service ${service.typeName} was given twice.`)
      }
    }
  }

  get port(): number {
    return this.#port
  }

  get address(): string {
    return `${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`
  }

  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#server.bindAsync(this.address, this.#options.credentials ?? ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port)
      else
        reject(
          new ConfigurationError(
            `The gRPC server cannot listen on ${this.address}: ${error.message}. Stop what listens there, or choose another port.`,
            { cause: error },
          ),
        )
    })
    this.#port = await promise
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#drained ??= this.#drain(options.timeoutMs ?? DRAIN_TIMEOUT_MS)
    return this.#drained
  }

  async #drain(timeoutMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = () => this.#running.size === 0 && resolve()
      this.#onIdle()
    })
    const finished = Promise.all([closed, idle])
    if (!(await isSettledWithin(finished, timeoutMs))) {
      this.#log.warn({ calls: this.#running.size, timeoutMs }, 'The drain took too long: what is in flight is cut off.')
      // Never "not executed": a handler hands it on, whatever it has done by then, and whoever believed that would ask for it again.
      const reason = new UnknownOutcomeError(
        `The server stops, and the call was not finished within ${timeoutMs} ms. It may have been executed.`,
      )
      for (const controller of this.#running) controller.abort(reason)
      await isSettledWithin(finished, LAST_WORD_MS)
    }
    this.#server.forceShutdown()
  }

  async #serve(method: DescMethod, handler: GrpcHandler, call: UnaryCall, callback: sendUnaryData<Uint8Array>): Promise<void> {
    const controller = new AbortController()
    const incoming = contextOf(call, controller.signal)
    let answered = false
    call.once('cancelled', () => {
      // grpc-js reports the end of every call in this way, the good ones too.
      if (!answered) controller.abort(cancellation(incoming))
    })
    this.#running.add(controller)
    try {
      await withContext(incoming, () =>
        server.run(
          () => describe(method, incoming),
          async (span) => {
            try {
              const bytes = await this.#answer(method, handler, call, incoming)
              answered = true
              callback(null, bytes, new Metadata())
              if (span !== undefined) span.attributes['rpc.response.status_code'] = status[status.OK]
            } catch (error) {
              answered = true
              const answer = errorStatus(error)
              // What the answer does not tell, the log must.
              const isTold = answer.code !== status.INTERNAL && error instanceof Error && error.message === answer.failure.message
              if (!isTold && !controller.signal.aborted) this.#reportFailure(method, incoming, error)
              callback(answer)
              if (controller.signal.aborted) noteCancellation(span)
              else noteFailure(span, answer.code, error)
            }
          },
        ),
      )
    } finally {
      this.#running.delete(controller)
      this.#onIdle()
    }
  }

  async #answer(method: DescMethod, handler: GrpcHandler, call: UnaryCall, context: CallContext): Promise<Uint8Array> {
    assertTimeLeft(context, methodName(method))
    const idempotencyKey = readIdempotencyKey(headersOf(call))
    const keyed = idempotencyKey === undefined ? context : { ...context, idempotencyKey }
    const request = requestOf(method, call.request)
    const response = await withContext(keyed, async () => handler(request as never, keyed))
    const bytes = encode(method.output, response as Record<string, unknown>)
    if (bytes.length > this.#messageBytesMax) {
      throw new RemoteFailureError(
        `The answer of ${methodName(method)} has ${bytes.length} bytes; the limit is ${this.#messageBytesMax} (messageBytesMax).`,
        {
          executed: 'yes',
          final: true,
        },
      )
    }
    return bytes
  }

  #reportFailure(method: DescMethod, { correlationId }: CallContext, error: unknown): void {
    this.#log.error(
      { err: error, correlationId },
      `${methodName(method)} failed: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function isSettledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<false>()
  const timer = systemClock.timer(timeoutMs, () => giveUp(false))
  return Promise.race([work.then(() => true), late]).finally(() => timer.cancel())
}

function headersOf(call: UnaryCall): HeaderLookup {
  return (name) => {
    const values = call.metadata.get(name)
    return values.length === 0 ? undefined : values.map(String).join(', ')
  }
}

/** The deadline came as `grpc-timeout`, which grpc-js has turned into wall-clock time; it goes back to a duration at once. */
function contextOf(call: UnaryCall, signal: AbortSignal): CallContext {
  const leftMs = Number(call.getDeadline()) - systemClock.now()
  return {
    ...readContext(headersOf(call)),
    signal,
    ...(Number.isFinite(leftMs) && { deadlineMs: systemClock.monotonicMs() + leftMs }),
  }
}

function cancellation({ deadlineMs }: CallContext): Error {
  return deadlineMs !== undefined && systemClock.monotonicMs() >= deadlineMs - 1
    ? new TimeoutError("The caller's deadline passed while the call was handled.", 0, { executed: 'maybe' })
    : new DOMException('The client cancelled the call.', 'AbortError')
}

function requestOf(method: DescMethod, bytes: Uint8Array): unknown {
  try {
    return decode(method.input, bytes)
  } catch (cause) {
    throw new InvalidInputError(`The message is no ${method.input.typeName}.`, [], { cause })
  }
}

function noteFailure(span: Operation | undefined, code: status, error: unknown): void {
  if (span === undefined) return
  const type = error instanceof SeaworthyError ? error.code : 'internal'
  span.attributes['rpc.response.status_code'] = status[code]
  span.attributes['error.type'] = type
  // The caller's own mistakes are no failure of this server.
  if (SERVER_FAILURES.has(code)) span.failure = type
}

/** The caller gave up before there was an answer: whatever the handler threw then says nothing about this server. */
function noteCancellation(span: Operation | undefined): void {
  if (span === undefined) return
  span.attributes['rpc.response.status_code'] = status[status.CANCELLED]
  span.attributes['error.type'] = 'cancelled'
}

// As the OpenTelemetry conventions for gRPC name them for server spans.
const SERVER_FAILURES: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
])

function describe(method: DescMethod, call: CallContext): Operation {
  return {
    name: methodName(method),
    kind: 'server',
    parent: { traceparent: call.traceparent, tracestate: call.tracestate },
    attributes: { 'rpc.system.name': 'grpc', 'rpc.method': methodName(method), 'seaworthy.correlation_id': call.correlationId },
  }
}
