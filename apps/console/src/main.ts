import { createLogger } from '@seaworthy/telemetry/logger'
import { readConfig } from './config.ts'
import { startConsole } from './console.ts'

// The console has no tracing of its own: its spans would be about storing spans.
const config = readConfig(process.env)
const logger = createLogger({ service: config.service, instance: config.instance, level: config.logLevel })
const running = await startConsole(config, { logger })
logger.info({ url: running.url }, 'console is ready')

let stopping: Promise<void> | undefined
const stop = (signal: string): void => {
  stopping ??= (async () => {
    logger.info({ signal }, 'console stops')
    await running.stop()
    process.exit(0)
  })()
  stopping.catch((error: unknown) => {
    logger.fatal({ err: error }, 'console did not stop cleanly')
    process.exit(1)
  })
}
process.once('SIGTERM', () => stop('SIGTERM'))
process.once('SIGINT', () => stop('SIGINT'))
