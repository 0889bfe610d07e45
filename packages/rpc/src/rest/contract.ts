import { ConfigurationError } from 'seaworthy/core'

/**
 * A schema of the contract: any that implements Standard Schema and Standard JSON Schema (standardschema.dev), as zod 4 does.
 * `Input` is what travels; `Output` is what the checked value becomes.
 */
export interface ContractSchema<Output = unknown, Input = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly jsonSchema: {
      readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>
    }
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

type InputOf<S> = S extends ContractSchema<unknown, infer Input> ? Input : undefined
type OutputOf<S> = S extends ContractSchema<infer Output> ? Output : undefined

export type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One operation of a REST contract. */
export interface RestOperation {
  readonly method: RestMethod
  /** As OpenAPI writes it: `/api/products/{id}`. */
  readonly path: `/${string}`
  readonly summary: string
  readonly description?: string
  /** Of the path's parameters. They arrive as strings: let the schema coerce them. */
  readonly params?: ContractSchema
  /** Of the query string. Values arrive as strings, repeated ones as arrays of strings. */
  readonly query?: ContractSchema
  /** Of further request headers, by their lower-case names. */
  readonly headers?: ContractSchema
  readonly body?: ContractSchema
  /** By status, 200 to 399; null where there is no body. Errors are Problem Details and need no mention. */
  readonly responses: { readonly [status: number]: ContractSchema | null }
  /** Whether the operation takes an `idempotency-key` header. Without it the header is accepted and means nothing to the contract. */
  readonly idempotencyKey?: 'required' | 'optional'
}

export type RestOperations = { readonly [name: string]: RestOperation }

/** What a REST service promises: server, client and OpenAPI document are made from it. */
export interface RestContract<Operations extends RestOperations = RestOperations> {
  readonly title: string
  readonly version: string
  readonly description?: string
  readonly operations: Operations
}

/**
 * Checks and returns a contract, with the types of its operations.
 * @throws ConfigurationError naming what does not fit together
 */
export function restContract<const Operations extends RestOperations>(contract: RestContract<Operations>): RestContract<Operations> {
  const seen = new Set<string>()
  for (const [name, operation] of Object.entries(contract.operations)) {
    const where = `${contract.title}: operation ${name}`
    const route = `${operation.method} ${operation.path}`
    if (seen.has(route)) throw new ConfigurationError(`${where} is a second ${route}. Give each operation a route of its own.`)
    seen.add(route)
    if (pathParameters(operation.path).length > 0 !== (operation.params !== undefined)) {
      throw new ConfigurationError(`${where}: the path ${operation.path} and \`params\` disagree. Name each parameter in both.`)
    }
    if (operation.method === 'GET' && operation.body !== undefined) {
      throw new ConfigurationError(`${where}: a GET has no body. Use the query, or POST.`)
    }
    const statuses = Object.keys(operation.responses).map(Number)
    if (statuses.length === 0 || statuses.some((status) => !(status >= 200 && status < 400))) {
      throw new ConfigurationError(`${where} needs responses with status 200 to 399; errors are thrown, and answered as Problem Details.`)
    }
  }
  return contract
}

/** The names of the parameters in a path template, in order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]!)
}

/** What a handler gets of an operation: checked and converted by the schemas. */
export interface RestRequest<O extends RestOperation> {
  readonly params: OutputOf<O['params']>
  readonly query: OutputOf<O['query']>
  readonly headers: OutputOf<O['headers']>
  readonly body: OutputOf<O['body']>
}

/** What a handler answers: one of the contract's statuses, with the body that goes with it. */
export type RestAnswer<O extends RestOperation> = {
  [Status in keyof O['responses'] & number]: {
    readonly status: Status
    readonly headers?: Readonly<Record<string, string>>
  } & (O['responses'][Status] extends ContractSchema ? { readonly body: InputOf<O['responses'][Status]> } : { readonly body?: undefined })
}[keyof O['responses'] & number]

type Parts = 'params' | 'query' | 'headers' | 'body'

type Argument<O extends RestOperation, Part extends Parts> = O[Part] extends ContractSchema
  ? Record<string, never> extends InputOf<O[Part]>
    ? { readonly [P in Part]?: InputOf<O[Part]> }
    : { readonly [P in Part]: InputOf<O[Part]> }
  : { readonly [P in Part]?: undefined }

/** What a client sends. */
export type RestArguments<O extends RestOperation> = Argument<O, 'params'> &
  Argument<O, 'query'> &
  Argument<O, 'headers'> &
  Argument<O, 'body'>

/** What a client receives: checked and converted by the schema of the status. */
export type RestResult<O extends RestOperation> = {
  [Status in keyof O['responses'] & number]: {
    readonly status: Status
    readonly headers: Readonly<Record<string, string>>
    readonly body: OutputOf<O['responses'][Status]>
  }
}[keyof O['responses'] & number]
