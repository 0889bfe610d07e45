import { askService, control, type Fault } from '@seaworthy/supervisor'
import type { GuardedCall } from '@seaworthy/supervisor/management'
import { SeaworthyError } from 'seaworthy/core'
import { askedName, askingSupervisor, servicesOf } from './asking.ts'
import type { Faults, ProcessEntry, RunState } from './run-file.ts'

/** How the calls of one process to others stand, and what it was told to suffer, as `GET /api/resilience` shows it. */
export interface ServiceResilience {
  /** Its service, or its instance where the service has several: each has policies of its own. */
  readonly service: string
  readonly state: string
  readonly faults: Faults
  /** Null while the service does not answer; empty for one that calls nobody. */
  readonly calls: readonly GuardedCall[] | null
  /** Why it does not answer. */
  readonly problem: string | null
}

/** What processes say of their policies, and what they are told to suffer. */
export interface Resilience {
  all(): Promise<readonly ServiceResilience[]>
  /** @throws NotFoundError, InvalidInputError, UnavailableError */
  inject(service: string, fault: Fault): Promise<void>
}

const ANSWER_TIMEOUT_MS = 1_500
const FAULT_TIMEOUT_MS = 5_000

/** Asks the processes, and orders faults, by way of their supervisor's control socket. `run` tells which there are. */
export function supervisedResilience(options: { readonly runFile: string | undefined; readonly run: () => Promise<RunState> }): Resilience {
  const { runFile, run } = options
  let underWay: Promise<readonly ServiceResilience[]> | undefined

  const asking = (timeoutMs: number) => askingSupervisor(runFile, timeoutMs)

  async function of(service: string, { state, faults }: ProcessEntry): Promise<ServiceResilience> {
    try {
      const { calls } = await askService({ service, question: 'resilience', parameters: {} }, asking(ANSWER_TIMEOUT_MS))
      return { service, state, faults, calls, problem: null }
    } catch (error) {
      // It guards no call: it can suffer all the same.
      if (error instanceof SeaworthyError && error.code === 'not-found') return { service, state, faults, calls: [], problem: null }
      const problem = error instanceof Error && error.name === 'TimeoutError' ? 'It does not answer.' : (error as Error).message
      return { service, state, faults, calls: null, problem }
    }
  }

  async function askAll(): Promise<readonly ServiceResilience[]> {
    const asked = servicesOf(await run())
    return Promise.all(asked.map((entry) => of(askedName(entry, asked), entry)))
  }

  return {
    // However many pages look, and however slow a process is, each is asked once at a time.
    all: () =>
      (underWay ??= askAll().finally(() => {
        underWay = undefined
      })),
    async inject(service, fault) {
      await control({ command: 'fault', service, fault }, asking(FAULT_TIMEOUT_MS))
    },
  }
}
