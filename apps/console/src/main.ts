import { createLogger } from '@seaworthy/telemetry/logger'
import { lifecycle, onTerminationSignals } from 'seaworthy/system'
import { readConfig } from './config.ts'
import { startConsole } from './console.ts'

// The console has no tracing of its own: its spans would be about storing spans.
const config = readConfig(process.env)
const logger = createLogger({ service: config.service, instance: config.instance, level: config.logLevel })
const life = lifecycle({ onStopError: (part, error) => logger.error({ err: error, part }, 'part did not stop') })
onTerminationSignals((reason) => {
  logger.info({ reason }, 'console stops')
  return life.stop(reason)
})
await startConsole(config, { logger, life })
life.ready()
logger.info({ url: `http://127.0.0.1:${config.consolePort}` }, 'console is ready')
