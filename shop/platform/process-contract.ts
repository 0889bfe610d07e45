import { ConfigurationError } from 'seaworthy/core'
import { z } from 'zod'

const port = z.coerce.number().int().min(1).max(65_535)
/** One address, or those of several instances. */
const oneOrMore = <Address extends z.ZodType<string>>(address: Address) =>
  z.union([address, z.array(address).min(1)]).transform((addresses): readonly string[] => [addresses].flat())
const endpoints = z.record(z.string(), z.object({ http: oneOrMore(z.url()), grpc: oneOrMore(z.string().min(1)).optional() }))
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const environment = z.object({
  SEAWORTHY_SERVICE: z.string().min(1),
  SEAWORTHY_INSTANCE: z.string().min(1),
  SEAWORTHY_DATA_DIR: z.string().min(1),
  SEAWORTHY_LOG_DIR: z.string().min(1),
  SEAWORTHY_HTTP_PORT: port,
  SEAWORTHY_GRPC_PORT: port.optional(),
  SEAWORTHY_ENDPOINTS: z
    .string()
    .default('{}')
    .transform((text, context) => {
      try {
        return endpoints.parse(JSON.parse(text))
      } catch (error) {
        context.addIssue({ code: 'custom', message: `is no map of endpoints: ${String(error)}` })
        return z.NEVER
      }
    }),
  SEAWORTHY_POSTGRES_URL: z.url().optional(),
  SEAWORTHY_KAFKA_URL: z.string().min(1).optional(),
  SEAWORTHY_RABBITMQ_URL: z.url().optional(),
  SEAWORTHY_ENGINE_PREFIX: z.string().min(1).default('shop'),
  SEAWORTHY_DATA_TOKEN: z.string().min(16).optional(),
  SEAWORTHY_PREDECESSOR_URL: z.url().optional(),
  SEAWORTHY_OTLP_URL: z.url().optional(),
  SEAWORTHY_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
})

/** Where the instances of a callee are. */
interface Endpoint {
  readonly http: readonly string[]
  readonly grpc?: readonly string[] | undefined
}

/** Where the servers behind the service's ports are. A port without one stands on an embedded engine. */
interface EngineAddresses {
  /** The service's own database, as its own role. */
  readonly postgres: string | undefined
  readonly kafka: string | undefined
  readonly rabbitmq: string | undefined
  /** What topics and queues are called after, for several systems on one broker. */
  readonly prefix: string
}

/** What whoever starts a process tells it, by environment variables. */
export interface ProcessContract {
  readonly service: string
  readonly instance: string
  /** This service's private folder. */
  readonly dataDir: string
  /** The folder of the event log, shared with all. */
  readonly logDir: string
  readonly httpPort: number
  readonly grpcPort: number | undefined
  readonly engines: EngineAddresses
  /** Of a process that data moves to or from while the system runs: what it shows and asks for, and where the one is that it takes over from. */
  readonly moving: { readonly token: string; readonly predecessorUrl: string | undefined } | undefined
  readonly otlpUrl: string | undefined
  readonly logLevel: (typeof LOG_LEVELS)[number]
  /** @throws ConfigurationError when this process was not told where the service is, because its declaration does not say that it calls it */
  endpoint(service: string): Endpoint
}

/** @throws ConfigurationError naming every variable that is missing or wrong */
export function readProcessContract(env: NodeJS.ProcessEnv = process.env): ProcessContract {
  const result = environment.safeParse(env)
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigurationError(
      `This process was not told what it must know. Start it by the supervisor (npm start), or set the variables yourself: ${problems.join('; ')}.`,
    )
  }
  const { data } = result
  return {
    service: data.SEAWORTHY_SERVICE,
    instance: data.SEAWORTHY_INSTANCE,
    dataDir: data.SEAWORTHY_DATA_DIR,
    logDir: data.SEAWORTHY_LOG_DIR,
    httpPort: data.SEAWORTHY_HTTP_PORT,
    grpcPort: data.SEAWORTHY_GRPC_PORT,
    engines: {
      postgres: data.SEAWORTHY_POSTGRES_URL,
      kafka: data.SEAWORTHY_KAFKA_URL,
      rabbitmq: data.SEAWORTHY_RABBITMQ_URL,
      prefix: data.SEAWORTHY_ENGINE_PREFIX,
    },
    moving:
      data.SEAWORTHY_DATA_TOKEN === undefined
        ? undefined
        : { token: data.SEAWORTHY_DATA_TOKEN, predecessorUrl: data.SEAWORTHY_PREDECESSOR_URL },
    otlpUrl: data.SEAWORTHY_OTLP_URL,
    logLevel: data.SEAWORTHY_LOG_LEVEL,
    endpoint(service) {
      const found = data.SEAWORTHY_ENDPOINTS[service]
      if (found === undefined) {
        throw new ConfigurationError(
          `${data.SEAWORTHY_SERVICE} was not told where ${service} is. Name ${service} among the calls of its service.ts.`,
        )
      }
      return found
    },
  }
}
