import { systemClock } from 'seaworthy/core'
import { readProcessConfig } from '../config.ts'
import { runGateway } from '../run-gateway.ts'
import { FileWatches } from './file-watch.ts'
import { readGatewayFile } from './gateway-file.ts'

const path = process.env['SEAWORTHY_GATEWAY_CONFIG']!
const file = await readGatewayFile(path)
const { life, reload } = await runGateway({
  config: readProcessConfig(process.env),
  file,
  dataToken: process.env['SEAWORTHY_DATA_TOKEN'],
  async reload() {
    const changed = await readGatewayFile(path)
    watches.watch([path, ...changed.files])
    return changed
  },
})
const again = () => void reload().catch(() => {})
const watches = new FileWatches({ clock: systemClock, onChange: again })
watches.watch([path, ...file.files])
life.add('watch', () => watches.watch([]))
process.on('SIGHUP', again)
