import { type FastifyError, type FastifyInstance, fastify } from 'fastify'
import type { Logger } from 'pino'
import { InvalidInputError } from 'seaworthy/core'
import { type ApiParts, registerApi } from './api.ts'
import { BODY_BYTES_MAX } from '../intake/signal.ts'
import { type IngestParts, registerIngest } from './ingest.ts'
import { registerLabsApi } from './labs-api.ts'
import type { LiveUpdates } from './live.ts'
import { registerMessagesApi } from './messages-api.ts'
import { registerLogsApi } from './logs-api.ts'
import { registerMapApi } from './map-api.ts'
import { registerMetrics } from './metrics.ts'
import { otherMethods } from './other-methods.ts'
import { notFound, registerPage } from './page.ts'
import { problem, sendProblem } from './problem.ts'
import { registerPrometheusTargets } from './prometheus-targets.ts'
import { protect } from './protection.ts'
import type { ServiceMap } from '../map/service-map.ts'
import type { Told } from '../system/told.ts'
import { registerGatewaysApi } from './gateways-api.ts'
import { registerResilienceApi } from './resilience-api.ts'
import { registerOperationsApi } from './operations-api.ts'
import { registerTraceApi } from './trace-api.ts'
import { registerSagasApi } from './sagas-api.ts'

export interface AppOptions extends ApiParts, IngestParts, Told {
  readonly map: Pick<ServiceMap, 'edges'>
  /** Folder of what labs left, if there is one. */
  readonly labsDir: string | undefined
  readonly live: LiveUpdates
  readonly logger: Logger
  /** Names besides those of loopback under which the console may be called. */
  readonly hostNames: readonly string[]
  /** What whoever is not on this machine has to show; undefined: nobody else may ask. */
  readonly token?: string | undefined
  /** Whether the process may receive work. */
  readonly isReady: () => boolean
  /** Folder of the built page. */
  readonly pageFolder?: string | undefined
}

/** The console's one application: page, API, ingest and health. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, logger: false, routerOptions: { maxParamLength: 200 } })
  protect(app, { hostNames: options.hostNames, token: options.token })
  const addOtherMethods = otherMethods(app)
  app.setNotFoundHandler(notFound(options.pageFolder))
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof InvalidInputError) {
      return reply
        .code(400)
        .type('application/problem+json')
        .send({ ...problem(400, error.message), errors: error.fields })
    }
    const status = error.statusCode ?? 500
    if (status < 500) return sendProblem(reply, status, error.message)
    options.logger.error({ err: error, method: request.method, path: request.url.split('?')[0] }, 'request failed')
    return sendProblem(reply, 500, 'The console failed to answer. Its log says why.')
  })
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) =>
    options.isReady() ? { status: 'ready' } : sendProblem(reply, 503, 'The console is starting, or stopping.'),
  )
  registerIngest(app, options)
  registerApi(app, options)
  registerTraceApi(app, options.store)
  registerOperationsApi(app, options.store)
  registerMessagesApi(app, options.messages)
  registerResilienceApi(app, options.resilience)
  registerMetrics(app, options)
  registerPrometheusTargets(app, options.runFile)
  registerLogsApi(app, options.logs)
  registerMapApi(app, options.map)
  registerSagasApi(app, options.sagas)
  registerGatewaysApi(app, options.gateways)
  registerLabsApi(app, options.labsDir)
  options.live.register(app)
  registerPage(app, options.pageFolder)
  void app.after(addOtherMethods)
  return app
}
