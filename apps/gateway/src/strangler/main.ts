import { systemClock } from 'seaworthy/core'
import { readProcessConfig } from '../config.ts'
import { runGateway } from '../run-gateway.ts'
import { watchFile } from './file-watch.ts'
import { readGatewayFile } from './gateway-file.ts'

const path = process.env['SEAWORTHY_GATEWAY_CONFIG']!
const config = readProcessConfig(process.env)
const { life, reload } = await runGateway({
  config,
  file: await readGatewayFile(path),
  dataToken: process.env['SEAWORTHY_DATA_TOKEN'],
  reload: () => readGatewayFile(path),
})
const watch = watchFile(path, { clock: systemClock, onChange: () => void reload().catch(() => {}) })
life.add('watch', () => watch.stop())
process.on('SIGHUP', () => void reload().catch(() => {}))
