import { prometheus } from '@seaworthy/telemetry/prometheus'
import { readConfig } from './config.ts'
import { listenToControl } from './control.ts'
import { createGateway } from './gateway.ts'
import { startHealthServer } from './health.ts'
import { beginProcess } from './process.ts'

const config = readConfig(process.env)
const { logger, life } = beginProcess(config)

const metrics = prometheus()
life.add('metrics', () => metrics[Symbol.dispose]())
const health = await startHealthServer(config.healthPort, { isReady: () => life.isReady, metrics })
life.add('health server', () => health.close())

const gateway = createGateway({ hosts: config.hosts, routes: config.routes, upstreams: config.upstreams, log: logger })
listenToControl(process, gateway)
const port = await gateway.listen(config.publicPort)
life.add('gateway', () => gateway.drain())
life.ready()
logger.info({ port, healthPort: health.port, routes: config.routes.length }, `listening on http://127.0.0.1:${port}`)
