import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { CallCredentials, ChannelCredentials, type ChannelOptions, Client, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import {
  assertTimeLeft,
  type CallContext,
  ConfigurationError,
  contextOrRoot,
  LimitExceededError,
  observed,
  type Operation,
  remainingMs,
  systemClock,
  type Timer,
  UnavailableError,
} from 'seaworthy/core'
import type { CallPolicy } from '../call-policy.ts'
import { BadAnswerError, contextHeaders } from 'seaworthy/http'
import type { UnaryMethodOf } from './contract.ts'
import { errorFromStatus } from './errors.ts'
import { type BytesMethod, bytesMethod, decode, encode, methodName, unaryMethods } from './service-definition.ts'

export interface GrpcClientOptions {
  /** `HOST:PORT`, or a name in the form of grpc-js: `dns:///orders:50051`. Several `IP:PORT`, of instances that get the calls in turns; one that is away gets none. */
  readonly address: string | readonly string[]
  /** Guards every call: timeouts, retries, circuit breaker. Without it a call is made once. */
  readonly policy?: CallPolicy
  /** How long a call may wait for a connection, in milliseconds. Default 1,000. */
  readonly connectTimeoutMs?: number
  /** Largest message, sent or received, in bytes. Default 4 MiB, gRPC's own. */
  readonly messageBytesMax?: number
  /** Default: without encryption. */
  readonly credentials?: ChannelCredentials
}

/**
 * One function per unary method. Without `call` the current context counts.
 *
 * Each throws the error that the server threw, by its class, and of its own: UnavailableError when the call surely did not
 * reach a handler; UnknownOutcomeError when the connection broke after it was sent; TimeoutError at the deadline;
 * BadAnswerError when the answer cannot be read; the reason of an abort.
 */
export type GrpcClient<Service extends DescService> = {
  readonly [Name in UnaryMethodOf<Service>]: (
    request: MessageInitShape<Service['method'][Name]['input']>,
    call?: CallContext,
  ) => Promise<MessageShape<Service['method'][Name]['output']>>
} & {
  /** Closes the connection. Calls in flight fail. */
  [Symbol.dispose](): void
}

const CONNECT_TIMEOUT_MS = 1_000
const MESSAGE_BYTES_MAX = 4_194_304

// A server that comes back is found again within half a second: grpc-js adds a jitter of 20 % to these.
const RECONNECT_INITIAL_MS = 50
const RECONNECT_MAX_MS = 400

const client = observed('grpc.client')

/** Makes a client of a generated service, over one connection to each instance that is made at the first call and made again when it breaks. */
export function grpcClient<Service extends DescService>(service: Service, options: GrpcClientOptions): GrpcClient<Service> {
  const connection = new Connection(options)
  const methods: Record<string | symbol, unknown> = { [Symbol.dispose]: () => connection.close() }
  for (const method of unaryMethods(service)) {
    const definition = bytesMethod(method)
    methods[method.localName] = (request: object, call: CallContext = contextOrRoot()) => {
      const send = (attempt: CallContext) => connection.call(method, definition, request, attempt)
      return options.policy === undefined ? send(call) : options.policy.run(send, call)
    }
  }
  return methods as GrpcClient<Service>
}

class Connection {
  readonly #addresses: readonly string[]
  /** The name of the policy that guards its calls. */
  readonly #policy: string | undefined
  readonly #connectTimeoutMs: number
  readonly #messageBytesMax: number
  readonly #client: Client

  constructor(options: GrpcClientOptions) {
    this.#addresses = [options.address].flat()
    this.#policy = options.policy?.name
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
    this.#messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX
    this.#client = new Client(
      targetOf(this.#addresses),
      options.credentials ?? ChannelCredentials.createInsecure(),
      channelOptions(this.#messageBytesMax, this.#addresses.length === 1),
    )
  }

  close(): void {
    this.#client.close()
  }

  async call(method: DescMethod, definition: BytesMethod, request: object, call: CallContext): Promise<unknown> {
    const what = methodName(method)
    const bytes = encode(method.input, request as Record<string, unknown>)
    if (bytes.length > this.#messageBytesMax) {
      throw new LimitExceededError(
        `The request to ${what} has ${bytes.length} bytes; the limit is ${this.#messageBytesMax} (messageBytesMax). Nothing was sent.`,
        {
          final: true,
        },
      )
    }
    assertTimeLeft(call, what)
    return client.run(
      () => this.#describe(method, call),
      async (span) => {
        const answer = await this.#send(what, definition, bytes, call, (code) => {
          if (span === undefined) return
          span.attributes['rpc.response.status_code'] = status[code] ?? String(code)
          if (code !== status.OK) span.attributes['error.type'] = status[code] ?? String(code)
        })
        try {
          return decode(method.output, answer)
        } catch (cause) {
          throw new BadAnswerError(
            `${what} answered with bytes that are no ${method.output.typeName}. Compare the versions of the contract.`,
            { cause },
          )
        }
      },
    )
  }

  #send(what: string, definition: BytesMethod, bytes: Uint8Array, call: CallContext, ended: (code: status) => void): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    if (call.signal?.aborted === true) return Promise.reject(call.signal.reason)
    const timers: Timer[] = []
    // The first of these ends it: the answer, an abort, the wait for a connection.
    let open = true
    const close = (code: status): boolean => {
      if (!open) return false
      open = false
      for (const timer of timers) timer.cancel()
      call.signal?.removeEventListener('abort', onAbort)
      ended(code)
      return true
    }
    const cancel = (reason: unknown) => {
      if (!close(status.CANCELLED)) return
      reject(reason)
      unary.cancel()
    }
    const onAbort = () => cancel(call.signal?.reason)
    call.signal?.addEventListener('abort', onAbort, { once: true })

    let started = false
    const timeoutMs = remainingMs(call)
    const unary = this.#client.makeUnaryRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      bytes,
      metadataOf(call),
      {
        ...(timeoutMs !== Number.POSITIVE_INFINITY && { deadline: systemClock.now() + timeoutMs }),
        // grpc-js asks for a call's credentials when it has a connection for it, in the same turn in which it writes it:
        // the one sign in its interface that tells a call that was never sent from one that may have been.
        credentials: CallCredentials.createFromMetadataGenerator((_options, callback) => {
          started = true
          callback(null, NO_CREDENTIALS)
        }),
      },
      (error: ServiceError | null, answer?: Uint8Array) => {
        if (!close(error?.code ?? status.OK)) return
        if (error === null) resolve(answer!)
        else reject(errorFromStatus({ error, what, started, timeoutMs: Math.round(timeoutMs) }))
      },
    )
    timers.push(
      systemClock.timer(this.#connectTimeoutMs, () => {
        if (!started)
          cancel(new UnavailableError(`${what} cannot be reached: no connection within ${this.#connectTimeoutMs} ms. Nothing was sent.`))
      }),
    )
    return promise
  }

  #describe(method: DescMethod, call: CallContext): Operation {
    const [only = '', ...others] = this.#addresses.map((each) => each.slice(each.lastIndexOf('/') + 1))
    // Which one of several grpc-js takes, it does not tell.
    const address = [only, ...others].join(',')
    const colon = others.length === 0 ? address.lastIndexOf(':') : -1
    return {
      name: methodName(method),
      kind: 'client',
      attributes: {
        'rpc.system.name': 'grpc',
        'rpc.method': methodName(method),
        'server.address': colon === -1 ? address : address.slice(0, colon),
        ...(colon !== -1 && { 'server.port': Number(address.slice(colon + 1)) }),
        ...(this.#policy !== undefined && { 'seaworthy.policy': this.#policy }),
        'seaworthy.correlation_id': call.correlationId,
      },
    }
  }
}

/** What grpc-js takes for a target. @throws ConfigurationError for no address at all */
function targetOf(addresses: readonly string[]): string {
  const [first] = addresses
  if (first === undefined) throw new ConfigurationError('A gRPC client needs an address: HOST:PORT.')
  return addresses.length === 1 ? first : `${first.startsWith('[') ? 'ipv6' : 'ipv4'}:${addresses.join(',')}`
}

const NO_CREDENTIALS = new Metadata()

/** Written inside the client's span, so that the trace headers are its own. */
function metadataOf(call: CallContext): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(contextHeaders(call))) metadata.set(name, value)
  return metadata
}

const IN_TURNS = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] })

function channelOptions(messageBytesMax: number, isOne: boolean): ChannelOptions {
  return {
    'grpc.initial_reconnect_backoff_ms': RECONNECT_INITIAL_MS,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
    'grpc.dns_min_time_between_resolutions_ms': RECONNECT_MAX_MS,
    // Whether to try again is the policy's to decide, once, with its budget and the caller's deadline in view.
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': -1,
    // A proxy for the way out of the building has no business between two services.
    'grpc.enable_http_proxy': 0,
    // TXT records with service configurations: a lookup per connection that nobody here uses.
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
    ...(isOne ? {} : { 'grpc.service_config': IN_TURNS }),
  }
}
