import { destinationsFrom, startTelemetry } from '@seaworthy/telemetry'
import { SeaworthyError } from 'seaworthy/core'
import { lifecycle, onTerminationSignals } from 'seaworthy/system'
import { readConfig } from './config.ts'
import { relayMetrics } from './metrics.ts'
import { runRelay } from './running-relay.ts'
import { startStatusServer } from './status-server.ts'

const config = readConfig(process.env)
const telemetry = startTelemetry({
  service: config.service,
  instance: config.instance,
  otlpUrl: config.otlpUrl,
  destinations: destinationsFrom(process.env),
  logLevel: config.logLevel,
})
const { logger } = telemetry
// A batch on its way may have to wait for the broker's confirmation.
const life = lifecycle({ stopTimeoutMs: 10_000, onStopError: (part, error) => logger.error({ err: error }, `${part} failed to stop`) })
onTerminationSignals((reason) => {
  logger.info({ reason }, 'stopping')
  return life.stop(reason)
})
life.add('telemetry', () => telemetry.shutdown())
try {
  const relay = await runRelay(config, (name, stop) => life.add(name, stop))
  life.add('metrics', telemetry.metrics.add({ sources: [relayMetrics(relay)] }))
  const server = await startStatusServer({
    port: config.httpPort,
    host: config.httpHost,
    relay,
    metrics: telemetry.metrics,
    isReady: () => life.isReady,
  })
  life.add('status server', () => server.close())
  life.ready()
  const { topics, wake } = config
  logger.info({ httpPort: server.port, topics, wake, to: config.to.split('://', 1)[0] }, 'the relay runs')
} catch (error) {
  // A mistake in the configuration needs no stack, and whoever starts it again needs an exit code.
  logger.fatal(error instanceof SeaworthyError ? { code: error.code } : { err: error }, `the relay cannot start: ${String(error)}`)
  await life.stop('it cannot start').catch(() => undefined)
  process.exitCode = 1
}
