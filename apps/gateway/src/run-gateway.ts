import type { Lifecycle } from 'seaworthy/system'
import type { Telemetry } from '@seaworthy/telemetry'
import type { ProcessConfig } from './config.ts'
import { listenToControl } from './control.ts'
import { beginProcess } from './process.ts'
import { RequestMetrics } from './request-metrics.ts'
import { startAdminApi } from './strangler/admin-api.ts'
import { readToken } from './strangler/admin-token.ts'
import type { GatewayFile } from './strangler/gateway-file.ts'
import { ShadowMirror } from './strangler/shadow-mirror.ts'
import { StranglerGateway, type StranglerGatewayOptions } from './strangler/strangler-gateway.ts'

export interface RunGatewayOptions extends Pick<StranglerGatewayOptions, 'start'> {
  readonly config: ProcessConfig
  readonly file: GatewayFile
  readonly dataToken: string | undefined
  /** Reads the configuration again. @throws ConfigurationError with what is wrong with it */
  readonly reload: () => Promise<GatewayFile>
}

/** A gateway that runs, and the life of its process. */
export interface RunningGateway {
  readonly logger: Telemetry['logger']
  readonly life: Lifecycle
  /** Puts the configuration in force as it is now; what is wrong with it is logged, and what was in force stays so. */
  readonly reload: () => Promise<void>
}

/** Runs a gateway as this process: its public port, its admin API, and what its supervisor asks. */
export async function runGateway({ config, file, dataToken, start, reload: read }: RunGatewayOptions): Promise<RunningGateway> {
  const requests = new RequestMetrics()
  const { logger, metrics, life } = beginProcess(config, { operations: false, sources: [requests] })
  const mirror = new ShadowMirror(logger)
  mirror.configure(file)
  life.add('comparison', () => mirror[Symbol.asyncDispose]())
  const gateway = await StranglerGateway.open({
    file,
    log: logger,
    mirror,
    comparisons: (signal) => mirror.reports(signal),
    onRequestEnd: (end) => requests.record(end),
    ...(dataToken !== undefined && { dataToken }),
    ...(start !== undefined && { start }),
  })
  listenToControl(process, gateway)

  async function reload(): Promise<void> {
    try {
      const changed = await read()
      gateway.configure(changed)
      mirror.configure(changed)
      logger.info('the configuration was read again and is in force')
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
    metrics,
    reload,
    comparisons: (signal) => mirror.report(signal),
  })
  life.add('admin API', () => admin.close())
  const port = await gateway.listen()
  life.add('gateway', () => gateway.drain())
  life.ready()
  logger.info(
    { port, adminPort: admin.port, routes: file.routes.length },
    `listening on ${file.listen.certificates === undefined ? 'http' : 'https'}://${file.listen.host}:${port}`,
  )
  return { logger, life, reload }
}
