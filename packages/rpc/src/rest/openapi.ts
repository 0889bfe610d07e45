import { CONTEXT_HEADERS, EXECUTED_HEADER, FAILURE_CODES, PROBLEM_TYPE, TIMEOUT_HEADER, titleOf } from 'seaworthy/http'
import { pathParameters, type ContractSchema, type RestContract, type RestOperation } from './contract.ts'

export interface OpenApiInfo {
  readonly title: string
  readonly version: string
  readonly description?: string
  /** Base URLs, where they are known. */
  readonly servers?: readonly string[]
}

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of one or several contracts. Each contract's title becomes the tag of its operations. */
export function openApi(contracts: readonly RestContract[], info: OpenApiInfo): Json {
  const paths: Record<string, Json> = {}
  for (const contract of contracts) {
    for (const [name, operation] of Object.entries(contract.operations)) {
      const path = (paths[operation.path] ??= {})
      path[operation.method.toLowerCase()] = { operationId: name, tags: [contract.title], ...operationObject(operation) }
    }
  }
  const { servers, ...rest } = info
  return {
    openapi: '3.1.0',
    info: rest,
    ...(servers !== undefined && { servers: servers.map((url) => ({ url })) }),
    tags: contracts.map(({ title, description }) => ({ name: title, ...(description !== undefined && { description }) })),
    paths,
    components: { schemas: { Problem: PROBLEM_SCHEMA }, headers: { Executed: EXECUTED }, responses: { Problem: PROBLEM_RESPONSE } },
  }
}

function operationObject(operation: RestOperation): Json {
  const parameters = [
    ...pathParameterObjects(operation),
    ...parameterObjects(operation.query, 'query'),
    ...parameterObjects(operation.headers, 'header'),
    ...idempotencyKeyParameter(operation),
    TIMEOUT_PARAMETER,
  ]
  return {
    summary: operation.summary,
    ...(operation.description !== undefined && { description: operation.description }),
    parameters,
    ...(operation.body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(operation.body) } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.responses).map(([status, schema]) => [status, responseObject(operation, Number(status), schema)]),
      ),
      ...problemResponses(operation),
    },
  }
}

function responseObject(operation: RestOperation, status: number, schema: ContractSchema | null): Json {
  const description = STATUS_TEXTS[status] ?? operation.summary
  return schema === null ? { description } : { description, content: { 'application/json': { schema: jsonSchema(schema) } } }
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted: it is not finished yet',
  204: 'Done; there is no body',
}

/** The errors that an operation of this shape can answer; any other is the default. */
function problemResponses(operation: RestOperation): Json {
  const takesInput = operation.params ?? operation.query ?? operation.headers ?? operation.body ?? operation.idempotencyKey
  const statuses = [
    ...(takesInput === undefined ? [] : [400]),
    ...(operation.params === undefined ? [] : [404]),
    ...(operation.idempotencyKey === undefined ? [] : [409, 422]),
    ...(operation.body === undefined ? [] : [413, 415]),
    503,
  ]
  const responses = statuses.map((status) => [String(status), { ...PROBLEM_RESPONSE, description: titleOf(status) }] as const)
  return { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Problem' } }
}

function pathParameterObjects(operation: RestOperation): Json[] {
  const { properties } = propertiesOf(operation.params)
  return pathParameters(operation.path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: properties[name] ?? { type: 'string' },
  }))
}

function parameterObjects(schema: ContractSchema | undefined, place: 'query' | 'header'): Json[] {
  const { properties, required } = propertiesOf(schema)
  return Object.entries(properties).map(([name, property]) => ({ name, in: place, required: required.includes(name), schema: property }))
}

function idempotencyKeyParameter(operation: RestOperation): Json[] {
  if (operation.idempotencyKey === undefined) return []
  return [
    {
      name: CONTEXT_HEADERS.idempotencyKey,
      in: 'header',
      required: operation.idempotencyKey === 'required',
      description: 'The same key gets the same answer, and the work is done once.',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
    },
  ]
}

function propertiesOf(schema: ContractSchema | undefined): { properties: Readonly<Record<string, Json>>; required: readonly string[] } {
  if (schema === undefined) return { properties: {}, required: [] }
  const { properties, required } = jsonSchema(schema) as { properties?: Record<string, Json>; required?: readonly string[] }
  return { properties: properties ?? {}, required: required ?? [] }
}

/** As it travels: the input of the schema. OpenAPI 3.1 states the dialect once for all, so `$schema` is left out. */
function jsonSchema(schema: ContractSchema): Json {
  const { $schema: _, ...rest } = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' })
  return withoutReadOnly(rest) as Json
}

/**
 * Without the annotation `readOnly`, by which validators say that a value is frozen in the program. In JSON Schema it says that the receiver owns the value,
 * and a client that heeds it leaves the field out of its request.
 */
function withoutReadOnly(schema: unknown, isMapOfSchemas = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => withoutReadOnly(item))
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => isMapOfSchemas || name !== 'readOnly' || value !== true)
      .map(([name, value]) => [name, withoutReadOnly(value, !isMapOfSchemas && (name === 'properties' || name === '$defs'))]),
  )
}

const TIMEOUT_PARAMETER: Json = {
  name: TIMEOUT_HEADER,
  in: 'header',
  required: false,
  description: 'How long the caller waits, in milliseconds',
  schema: { type: 'integer', minimum: 0 },
}

const EXECUTED: Json = {
  description: 'What is known about the effect of the request: whether asking again is safe',
  schema: { type: 'string', enum: ['no', 'maybe', 'yes'] },
}

const PROBLEM_SCHEMA: Json = {
  type: 'object',
  description: 'Problem Details for HTTP APIs (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: [...FAILURE_CODES] },
    correlationId: { type: 'string' },
    reason: { type: 'string', description: 'Of a rejection, for programs' },
    errors: {
      type: 'array',
      description: 'Each field that does not hold',
      items: { type: 'object', required: ['field', 'message'], properties: { field: { type: 'string' }, message: { type: 'string' } } },
    },
    retryAfterMs: { type: 'integer', minimum: 0 },
    timeoutMs: { type: 'number', minimum: 0 },
    final: { type: 'boolean', description: 'True when asking again gets the same answer' },
  },
}

const PROBLEM_RESPONSE: Json = {
  description: 'Problem Details',
  headers: { [EXECUTED_HEADER]: { $ref: '#/components/headers/Executed' } },
  content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
}
