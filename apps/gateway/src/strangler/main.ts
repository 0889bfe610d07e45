import { systemClock } from 'seaworthy/core'
import { readProcessConfig } from '../config.ts'
import { listenToControl } from '../control.ts'
import { beginProcess } from '../process.ts'
import { startAdminApi } from './admin-api.ts'
import { readToken } from './admin-token.ts'
import { FileWatches } from './file-watch.ts'
import { readGatewayFile } from './gateway-file.ts'
import { ShadowMirror } from './shadow-mirror.ts'
import { StranglerGateway } from './strangler-gateway.ts'

const path = process.env['SEAWORTHY_GATEWAY_CONFIG']!
const config = readProcessConfig(process.env)
const file = await readGatewayFile(path)
const { logger, life } = beginProcess(config)

const mirror = new ShadowMirror(logger)
mirror.configure(file)
life.add('comparison', () => mirror[Symbol.asyncDispose]())
const dataToken = process.env['SEAWORTHY_DATA_TOKEN']
const gateway = await StranglerGateway.open({ file, log: logger, mirror, ...(dataToken !== undefined && { dataToken }) })
listenToControl(process, gateway)

const watches = new FileWatches({ clock: systemClock, onChange: () => void reload().catch(() => {}) })

/** Reads the file and puts it in force; what is wrong with it is said, and what was in force stays so. */
async function reload(): Promise<void> {
  try {
    const changed = await readGatewayFile(path)
    gateway.configure(changed)
    mirror.configure(changed)
    watches.watch([path, ...changed.files])
    logger.info({ file: path }, 'the configuration was read again and is in force')
  } catch (error) {
    logger.error({ err: error }, 'the configuration was not taken, and what was in force stays so')
    throw error
  }
}

const admin = await startAdminApi({
  ...file.admin,
  token: await readToken(file.admin.tokenFile),
  gateway,
  isReady: () => life.isReady,
  reload,
  comparisons: (signal) => mirror.report(signal),
})
life.add('admin API', () => admin.close())
const port = await gateway.listen()
life.add('gateway', () => gateway.drain())
watches.watch([path, ...file.files])
life.add('watch', () => watches.watch([]))
process.on('SIGHUP', () => void reload().catch(() => {}))
life.ready()
logger.info(
  { port, adminPort: admin.port, routes: file.routes.length },
  `listening on ${file.listen.certificates === undefined ? 'http' : 'https'}://${file.listen.host}:${port}`,
)
