import { startTelemetry } from '@seaworthy/telemetry'
import { lifecycle, onTerminationSignals } from 'seaworthy/system'
import { readConfig } from './config.ts'
import { listenToControl } from './control.ts'
import { createGateway } from './gateway.ts'
import { startHealthServer } from './health.ts'

// Less than the supervisor gives the gateway before it kills it: 2,500 ms of drain, its lingering, and what the traces need.
const STOP_TIMEOUT_MS = 3_200

const config = readConfig(process.env)
const telemetry = startTelemetry({
  service: config.service,
  instance: config.instance,
  otlpUrl: config.otlpUrl,
  logLevel: config.logLevel,
})
const { logger } = telemetry
const life = lifecycle({
  stopTimeoutMs: STOP_TIMEOUT_MS,
  onStopError: (part, error) => logger.error({ err: error }, `${part} failed to stop`),
})
onTerminationSignals((reason) => {
  logger.info({ reason }, 'stopping')
  return life.stop(reason)
})
life.add('telemetry', () => telemetry.shutdown())

const health = await startHealthServer(config.healthPort, () => life.isReady)
life.add('health server', () => health.close())

const gateway = createGateway({ hosts: config.hosts, routes: config.routes, upstreams: config.upstreams, log: logger })
listenToControl(process, gateway)
const port = await gateway.listen(config.publicPort)
life.add('gateway', () => gateway.drain())
life.ready()
logger.info({ port, healthPort: health.port, routes: config.routes.length }, `listening on http://127.0.0.1:${port}`)
