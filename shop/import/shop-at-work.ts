import { dataDirectoryPaths, hasServiceData, type ProcessRecord, readRunFile, supervise } from '@seaworthy/supervisor'
import { ConfigurationError } from 'seaworthy/core'
import { atStage } from '../system.ts'
import type { ImportEndpoints } from './send.ts'

/** A shop that takes data over: the one that runs on the data directory, or one that was started for it. */
export interface ShopAtWork extends AsyncDisposable {
  readonly endpoints: ImportEndpoints
  readonly startedForImport: boolean
}

/** @throws ConfigurationError when a shop runs there, but is not ready for it */
export async function shopAt(dataDir: string): Promise<ShopAtWork> {
  const paths = dataDirectoryPaths(dataDir)
  const { runFile } = paths
  const run = readRunFile(runFile)
  if (run !== undefined && isAlive(run.supervisorPid)) {
    return { endpoints: endpointsOf(run.processes), startedForImport: false, [Symbol.asyncDispose]: async () => {} }
  }
  const hasData = async (service: string) => hasServiceData(paths, service)
  const system = await atStage({ stage: undefined, dataDir, storage: 'embedded', hasData })
  const running = await supervise({ system, dataDir, gatewayPort: 0, consolePort: 0 })
  try {
    await running.untilReady()
    return {
      endpoints: endpointsOf(readRunFile(runFile)?.processes ?? []),
      startedForImport: true,
      [Symbol.asyncDispose]: () => running.stop(),
    }
  } catch (error) {
    await running.stop()
    throw error
  }
}

function endpointsOf(processes: readonly ProcessRecord[]): ImportEndpoints {
  const urlOf = (name: string) => {
    const found = processes.find((process) => process.name === name || process.standsInFor.includes(name))
    if (found === undefined || found.state !== 'ready') {
      throw new ConfigurationError(
        `The shop runs, but ${name} is ${found?.state ?? 'not part of it'}. Wait until it is ready, and import again.`,
      )
    }
    return found.httpUrl
  }
  return {
    catalog: urlOf('catalog'),
    reviews: urlOf('reviews'),
    customers: urlOf('customers'),
    inventory: urlOf('inventory'),
    orders: urlOf('orders'),
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
