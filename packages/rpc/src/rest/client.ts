import { Agent } from 'node:http'
import {
  assertTimeLeft,
  type CallContext,
  contextOrRoot,
  InvalidInputError,
  observed,
  type Operation,
  remainingMs,
  UnavailableError,
  validate,
} from 'seaworthy/core'
import type { CallPolicy } from '../call-policy.ts'
import { BadAnswerError, contextHeaders, errorFromAnswer, missingIdempotencyKey, TIMEOUT_HEADER } from 'seaworthy/http'
import type { ContractSchema, RestArguments, RestContract, RestOperation, RestOperations, RestResult } from './contract.ts'
import { Instances } from './instances.ts'
import { type RawAnswer, sendRequest } from './send-request.ts'

export interface RestClientOptions {
  /** `http://HOST:PORT`, or https; a path in it is put before the operations' paths. Several, of instances that get the requests in turns; one that was away a moment ago is passed over. */
  readonly baseUrl: string | readonly string[]
  /** Guards every call: timeouts, retries, circuit breaker. Without it a call is made once. */
  readonly policy?: CallPolicy
  /** How long a connection may take to be made, in milliseconds. Default 1,000. */
  readonly connectTimeoutMs?: number
  /** Connections at once; further calls wait for one. Default 64. */
  readonly connectionsMax?: number
  /** Largest answer that is read, in bytes. Default 16 MiB. */
  readonly answerBytesMax?: number
}

/**
 * One method per operation. Without `call` the current context counts.
 *
 * Each throws the error that the server's Problem Details stand for, and of its own:
 * UnavailableError when no connection could be made; UnknownOutcomeError when one broke after the request was sent;
 * TimeoutError at the deadline; BadAnswerError when the answer breaks the contract; the reason of an abort.
 */
export type RestClient<Operations extends RestOperations> = {
  readonly [Name in keyof Operations]: Record<string, never> extends RestArguments<Operations[Name]>
    ? (request?: RestArguments<Operations[Name]>, call?: CallContext) => Promise<RestResult<Operations[Name]>>
    : (request: RestArguments<Operations[Name]>, call?: CallContext) => Promise<RestResult<Operations[Name]>>
} & {
  /** Closes the connections that are kept alive. */
  [Symbol.dispose](): void
}

const CONNECT_TIMEOUT_MS = 1_000
const CONNECTIONS_MAX = 64
const ANSWER_BYTES_MAX = 16_777_216

const client = observed('http.client')

/** Makes a client of a contract, over connections that are kept alive. */
export function restClient<Operations extends RestOperations>(
  contract: RestContract<Operations>,
  options: RestClientOptions,
): RestClient<Operations> {
  const connection = new Connection(contract.title, options)
  const methods: Record<string | symbol, unknown> = { [Symbol.dispose]: () => connection.close() }
  for (const [name, operation] of Object.entries(contract.operations)) {
    methods[name] = async (request: Arguments = {}, call: CallContext = contextOrRoot()) => {
      const send = connection.prepare(operation, request)
      return options.policy === undefined ? send(call) : options.policy.run(send, call)
    }
  }
  return methods as RestClient<Operations>
}

// The types of the contract are gone at this point; the schemas take over.
type Scalar = string | number | boolean | bigint | null | undefined
interface Arguments {
  readonly params?: Readonly<Record<string, Scalar>>
  readonly query?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  readonly headers?: Readonly<Record<string, Scalar>>
  readonly body?: unknown
}

interface PreparedRequest {
  /** Below the base: path and query. */
  readonly target: string
  readonly body: string | undefined
  readonly request: Arguments
}

class Connection {
  readonly #service: string
  /** The name of the policy that guards its calls. */
  readonly #policy: string | undefined
  readonly #instances: Instances
  readonly #agent: Agent
  readonly #connectTimeoutMs: number
  readonly #answerBytesMax: number

  constructor(service: string, options: RestClientOptions) {
    this.#service = service
    this.#policy = options.policy?.name
    this.#instances = new Instances([options.baseUrl].flat())
    // node:https brings TLS with it: loaded only by those who speak it.
    const AgentClass = this.#instances.isSecure ? process.getBuiltinModule('node:https').Agent : Agent
    this.#agent = new AgentClass({ keepAlive: true, maxSockets: options.connectionsMax ?? CONNECTIONS_MAX, scheduling: 'lifo' })
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
    this.#answerBytesMax = options.answerBytesMax ?? ANSWER_BYTES_MAX
  }

  close(): void {
    this.#agent.destroy()
  }

  /**
   * What the attempts of a call have in common. A request that cannot be written is refused here, before any policy: the service had no part in it, so
   * its circuit breaker must not count it, nor its retry budget pay for it.
   */
  prepare(operation: RestOperation, request: Arguments): (call: CallContext) => Promise<unknown> {
    const target = targetOf(operation, request)
    const body = operation.body === undefined ? undefined : JSON.stringify(request.body)
    return (call) => this.#send(operation, { target, body, request }, call)
  }

  async #send(operation: RestOperation, { target, body, request }: PreparedRequest, call: CallContext): Promise<unknown> {
    const what = `${operation.method} ${operation.path} of ${this.#service}`
    if (operation.idempotencyKey === 'required' && call.idempotencyKey === undefined) throw missingIdempotencyKey()
    assertTimeLeft(call, what)
    const instance = this.#instances.next()
    const { base } = instance
    return client.run(
      () => describe(operation, { base, call, policy: this.#policy }),
      async (span) => {
        const answer = await sendRequest({
          what,
          url: new URL(base.pathname.replace(/\/$/, '') + target, base),
          method: operation.method,
          agent: this.#agent,
          body,
          headers: headersOf(request, call, body),
          connectTimeoutMs: this.#connectTimeoutMs,
          answerBytesMax: this.#answerBytesMax,
          call,
        }).catch((error: unknown) => {
          if (error instanceof UnavailableError) this.#instances.passOver(instance)
          throw error
        })
        if (span !== undefined) span.attributes['http.response.status_code'] = answer.status
        if (answer.status < 400) return resultOf(operation, answer, what)
        const error = errorFromAnswer({ ...answer, body: jsonOf(answer.text)?.value, what })
        if (span !== undefined) span.attributes['error.type'] = String(answer.status)
        if (error instanceof UnavailableError) this.#instances.passOver(instance)
        throw error
      },
    )
  }
}

/** Path and query of a request. @throws InvalidInputError for a parameter that cannot stand in a path */
function targetOf(operation: RestOperation, request: Arguments): string {
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const value = request.params?.[name]
    const text = value === undefined || value === null ? '' : String(value)
    // Dot segments would name another resource, because a URL parser takes them out of the path; half a surrogate pair cannot be encoded.
    if (text === '' || text === '.' || text === '..' || !text.isWellFormed()) {
      throw new InvalidInputError(`The path parameter ${name} of ${operation.path} cannot be ${JSON.stringify(text)}.`, [
        { field: name, message: 'Expected a value that can stand in a path' },
      ])
    }
    return encodeURIComponent(text)
  })
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) query.append(name, String(item))
    }
  }
  return query.size === 0 ? path : `${path}?${query}`
}

function describe(
  operation: RestOperation,
  { base, call, policy }: { readonly base: URL; readonly call: CallContext; readonly policy: string | undefined },
): Operation {
  return {
    name: `${operation.method} ${operation.path}`,
    kind: 'client',
    attributes: {
      'http.request.method': operation.method,
      'url.template': operation.path,
      'server.address': base.hostname,
      'server.port': Number(base.port || (base.protocol === 'https:' ? 443 : 80)),
      ...(policy !== undefined && { 'seaworthy.policy': policy }),
      'seaworthy.correlation_id': call.correlationId,
    },
  }
}

/** Written inside the client's span, so that the trace headers are its own. */
function headersOf(request: Arguments, call: CallContext, body: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json' }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value !== undefined && value !== null) headers[name] = String(value)
  }
  Object.assign(headers, contextHeaders(call))
  const leftMs = remainingMs(call)
  if (leftMs !== Number.POSITIVE_INFINITY) headers[TIMEOUT_HEADER] = String(Math.max(1, Math.floor(leftMs)))
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
    headers['content-length'] = String(Buffer.byteLength(body))
  }
  return headers
}

function resultOf(operation: RestOperation, answer: RawAnswer, what: string): unknown {
  const { status, headers } = answer
  const schema: ContractSchema | null | undefined = operation.responses[status]
  if (schema === undefined) throw new BadAnswerError(`${what} answered ${status}, which its contract does not have.`)
  if (schema === null) return { status, headers, body: undefined }
  const parsed = jsonOf(answer.text)
  if (parsed === undefined) throw new BadAnswerError(`${what} answered ${status} with a body that is not JSON.`)
  try {
    return { status, headers, body: validate(schema, parsed.value, `The answer of ${what}`) }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    throw new BadAnswerError(`${error.message} The server and this client have different versions of the contract.`, { cause: error })
  }
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
