import { assertTimeLeft, type CallContext, ConfigurationError, validate } from 'seaworthy/core'
import type { ContractSchema, RestAnswer, RestContract, RestOperation, RestOperations, RestRequest } from './contract.ts'
import { missingIdempotencyKey } from 'seaworthy/http'
import { exchangeOf, type HttpServer, type RouteConfig } from './server.ts'
import { assertWellFormed } from './well-formed.ts'

/** Handles one operation: gets its checked input and the call's context, gives one of the contract's answers, or throws. */
export type RestHandler<O extends RestOperation> = (
  request: RestRequest<O> & { readonly call: CallContext },
) => Promise<RestAnswer<O>> | RestAnswer<O>

export type RestHandlers<Operations extends RestOperations> = { readonly [Name in keyof Operations]: RestHandler<Operations[Name]> }

/**
 * Adds a contract's operations to a server that has not started yet.
 * A handler runs within its call's context. It is not waited for past the caller's deadline: the caller then gets 504.
 */
// Handlers has a type parameter of its own: only then does the compiler keep `status: 201` as 201 while it infers.
export function serve<Contract extends RestContract, Handlers extends RestHandlers<Contract['operations']>>(
  server: HttpServer,
  contract: Contract,
  handlers: Handlers,
): void {
  for (const name of Object.keys(contract.operations)) {
    const operation = contract.operations[name]!
    const handler = (handlers as Record<string, unknown>)[name] as Handler | undefined
    if (handler === undefined) throw new ConfigurationError(`${contract.title}: operation ${name} has no handler.`)
    addRoute(server, `${contract.title}: ${name}`, operation, handler)
  }
}

// The types of the contract are gone at this point; the schemas take over.
type Handler = (request: Record<string, unknown> & { call: CallContext }) => Promise<Answer> | Answer
type Answer = { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }

function addRoute(server: HttpServer, what: string, operation: RestOperation, handler: Handler): void {
  server.fastify.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{([^}]+)\}/g, ':$1'),
    config: { template: operation.path } satisfies RouteConfig,
    handler: async (request, reply) => {
      const exchange = exchangeOf(request)
      const { call } = exchange
      assertTimeLeft(call, what)
      if (operation.idempotencyKey === 'required' && call.idempotencyKey === undefined) throw missingIdempotencyKey()
      const checked = {
        call,
        ...checkedInput(operation, { params: request.params, query: request.query, headers: request.headers, body: request.body }),
      }
      const answer = await Promise.race([exchange.during(() => handler(checked)), exchange.expired])
      if (!(answer.status in operation.responses)) {
        throw new ConfigurationError(
          `${what} answered ${answer.status}, which its contract does not have. Add it, or answer something else.`,
        )
      }
      reply.code(answer.status)
      if (answer.headers !== undefined) reply.headers(answer.headers)
      return operation.responses[answer.status] === null
        ? reply.send()
        : reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body))
    },
  })
}

/** The parts of a request, each checked and converted by its schema; undefined where the operation has none. */
function checkedInput(operation: RestOperation, raw: { params: unknown; query: unknown; headers: unknown; body: unknown }) {
  return {
    params: operation.params && validate(operation.params, raw.params, 'The path'),
    query: operation.query && validate(operation.query, raw.query, 'The query'),
    headers: operation.headers && validate(operation.headers, raw.headers, 'The header'),
    body: operation.body && bodyOf(operation.body, raw.body ?? undefined),
  }
}

function bodyOf(schema: ContractSchema, raw: unknown): unknown {
  assertWellFormed(raw, 'The body')
  return validate(schema, raw, 'The body')
}
