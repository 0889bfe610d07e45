import type { System } from 'seaworthy/system'
import { type Addresses, loopbackUrl, standsInFor } from './process-contract.ts'
import type { ProcessRecord } from './run-file.ts'
import type { SupervisedProcess } from './supervised-process.ts'

/** A process as `run.json` shows it. `addresses` are those of all instances. */
export function processRecord(
  supervised: SupervisedProcess,
  { system, addresses }: { readonly system: System; readonly addresses: ReadonlyMap<string, Addresses> },
): ProcessRecord {
  const { service, instance, faults } = supervised
  const { httpPort = 0, publicPort, grpcPort } = addresses.get(instance) ?? {}
  const [publicUrl, ownUrl] = [loopbackUrl(publicPort ?? httpPort), loopbackUrl(httpPort)]
  return {
    name: service.name,
    role: service.role,
    context: service.context,
    purpose: service.purpose,
    standsInFor: standsInFor(service, system),
    instance,
    pid: supervised.child?.pid ?? null,
    state: supervised.state,
    restarts: supervised.restarts,
    lastExit: supervised.lastExit,
    startedAt: new Date(supervised.startedAt).toISOString(),
    httpUrl: publicUrl,
    adminUrl: service.role === 'gateway' ? ownUrl : null,
    grpcAddress: grpcPort === undefined ? null : `127.0.0.1:${grpcPort}`,
    // The console's page and its figures are for the same people.
    metricsUrl: `${service.role === 'console' ? publicUrl : ownUrl}/metrics`,
    faults,
  }
}
