import type { CrashPoints } from '@seaworthy/testing/crash-at'
import type { Service } from 'seaworthy/system'
import type { Engines } from './engines/engines.ts'
import type { ProcessContract } from './process-contract.ts'

/**
 * The points at which this process is to kill itself, if a test asked for some: `SEAWORTHY_CRASH_AT=orders.event-log:append:before#1`, several with blanks
 * between. The module that does it is loaded then only.
 * @throws ConfigurationError when the variable names what is no point
 */
export async function readCrashAt(
  service: Service,
  contract: ProcessContract,
  env: NodeJS.ProcessEnv = process.env,
): Promise<CrashPoints | undefined> {
  const indexes = (env['SEAWORTHY_CRASH_AT'] ?? '').split(/\s+/).filter((index) => index !== '')
  if (indexes.length === 0) return undefined
  const { startCrashAt } = await import('@seaworthy/testing/crash-at')
  const callees = new Map(
    service.calls.flatMap((callee) => {
      const { http, grpc } = contract.endpoint(callee)
      return [...http, ...(grpc ?? []).map((address) => `http://${address}`)].map((url) => [Number(new URL(url).port), callee] as const)
    }),
  )
  return startCrashAt({ indexes, service: service.name, directory: contract.dataDir, calleeAt: (port) => callees.get(port) })
}

/** The engines, with the points around the event log and the queues. */
export function enginesThatCrash(engines: Engines, crashAt: CrashPoints): Engines {
  return {
    openDatabase: (options) => engines.openDatabase(options),
    openEventLog: (options) => crashAt.eventLog(() => engines.openEventLog(options)),
    openQueue: (name, options) => crashAt.queue(name, () => engines.openQueue(name, options)),
  }
}
