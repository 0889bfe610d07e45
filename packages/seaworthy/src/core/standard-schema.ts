import { InvalidInputError, type InvalidField } from './errors.ts'

/**
 * The part of Standard Schema v1 (standardschema.dev) that the library uses: any validator that implements it,
 * such as zod, valibot or arktype, can describe an event, a command or a request.
 */
export interface Schema<Output> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The type a schema accepts. */
export type Infer<S> = S extends Schema<infer Output> ? Output : never

/** The checked value. @throws InvalidInputError naming every field that does not hold */
export function validate<Output>(schema: Schema<Output>, value: unknown, what: string): Output {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    throw new InvalidInputError(`The schema of ${what} checks asynchronously. Use one that checks synchronously.`)
  }
  if (result.issues === undefined) return result.value
  const fields = result.issues.map((issue): InvalidField => ({ field: fieldPath(issue.path), message: issue.message }))
  const named = fields.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ')
  throw new InvalidInputError(`${what} is not valid: ${named}.`, fields)
}

function fieldPath(path: SchemaIssue['path']): string {
  let text = ''
  for (const segment of path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment
    text += typeof key === 'number' ? `[${key}]` : text === '' ? String(key) : `.${String(key)}`
  }
  return text
}
