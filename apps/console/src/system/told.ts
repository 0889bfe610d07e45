import { type Gateways, adminGateways } from './gateways.ts'
import { type Messages, supervisedMessages } from './messages.ts'
import { type Resilience, supervisedResilience } from './resilience.ts'
import type { RunState } from './run-file.ts'
import { type Sagas, supervisedSagas } from './sagas.ts'

/** What processes tell of themselves, by what they are asked about. */
export interface Told {
  readonly messages: Messages
  readonly resilience: Resilience
  readonly sagas: Sagas
  readonly gateways: Gateways
}

/** As the processes of a run tell it, by way of their supervisor or, for gateways, of their admin API. */
export function toldByProcesses(options: {
  readonly runFile: string | undefined
  readonly run: () => Promise<RunState>
  readonly gatewayFiles: ReadonlyMap<string, string>
}): Told {
  return {
    messages: supervisedMessages(options),
    resilience: supervisedResilience(options),
    sagas: supervisedSagas(options),
    gateways: adminGateways({ ...options, files: options.gatewayFiles }),
  }
}
