import { ConfigurationError } from 'seaworthy/core'
import { readConfig } from './config.ts'
import { wishFor } from './control.ts'
import { runGateway } from './run-gateway.ts'
import { systemFile } from './system-file.ts'

const config = readConfig(process.env)
await runGateway({
  config,
  file: systemFile(config),
  dataToken: config.dataToken,
  start: (service) => wishFor(service, process),
  reload: () => Promise.reject(new ConfigurationError('The routes are those of the system: they are read at its start alone.')),
})
