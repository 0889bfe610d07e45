/** An error as the server or the socket gave it, whatever a library wrapped around it. */
export interface ServerError extends Error {
  /** SQLSTATE, or what the socket says. */
  readonly code?: string
}

// What the socket, and the drivers pg and postgres.js, say of a connection that is gone.
const CONNECTION_CODE = /^(?:E[A-Z]{4,}|CONNECTION_(?:CLOSED|ENDED|DESTROYED))$/
const CONNECTION_MESSAGE = /^Connection terminated|is not queryable$/
const SQLSTATE = /^[0-9A-Z]{5}$/

/** The server's error inside a library's: Drizzle keeps it as the cause, Prisma in fields of its own. Undefined when the error is the library's. */
export function serverError(error: unknown): ServerError | undefined {
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    if (isServers(inner) || isConnections(inner)) return inner
    const prismas = fromPrisma(inner)
    if (prismas !== undefined) return prismas
  }
  return undefined
}

function isServers(error: Error): error is ServerError {
  return 'severity' in error && 'code' in error && typeof error.code === 'string' && SQLSTATE.test(error.code)
}

function isConnections(error: Error): error is ServerError {
  return ('code' in error && typeof error.code === 'string' && CONNECTION_CODE.test(error.code)) || CONNECTION_MESSAGE.test(error.message)
}

/** `meta.driverAdapterError.cause` of PrismaClientKnownRequestError, as @prisma/adapter-pg fills it. */
function fromPrisma(error: Error): ServerError | undefined {
  const meta = field(error, 'meta')
  const cause = field(field(meta, 'driverAdapterError'), 'cause')
  const code = field(cause, 'originalCode')
  if (typeof code !== 'string' || !SQLSTATE.test(code)) return undefined
  const severity = field(cause, 'severity') ?? 'ERROR'
  const constraint = field(field(cause, 'constraint'), 'index')
  return Object.assign(new Error(String(field(cause, 'originalMessage')), { cause: error }), {
    code,
    severity,
    ...(typeof constraint === 'string' && { constraint }),
  })
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}
