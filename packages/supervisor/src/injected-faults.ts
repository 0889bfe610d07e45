import { type Clock, type Random, SeaworthyError, sleep, systemClock, systemRandom } from 'seaworthy/core'

/** What a running process is told to suffer, by `seaworthy fault`. All of it ends with `clear`. */
export type Fault =
  /** Every request waits so long before it is handled. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** This share of the requests, 0 to 1, fails before it is handled. */
  | { readonly kind: 'errors'; readonly ratio: number }
  /** The process stands still (SIGSTOP): its connections stay open, and nothing answers. */
  | { readonly kind: 'pause' }
  /** The process is gone at once (SIGKILL), and comes back by its supervisor. */
  | { readonly kind: 'kill' }
  | { readonly kind: 'clear' }

/** What requests to a process suffer, until it is cleared. */
export interface RequestFaults {
  readonly latencyMs: number
  readonly errorRatio: number
}

export const NO_FAULTS: RequestFaults = { latencyMs: 0, errorRatio: 0 }

/** Longer than any caller waits. */
export const LATENCY_MAX_MS = 600_000

/** The message by which a supervisor tells its process. */
export interface FaultMessage {
  readonly type: 'faults'
  readonly faults: RequestFaults
}

/** A request failed because somebody asked for it. Nothing was executed. */
export class InjectedFaultError extends SeaworthyError {
  constructor(service: string) {
    super('unavailable', `${service} fails because it was told to. "seaworthy fault ${service} --clear" ends it.`, { executed: 'no' })
  }
}

/** In the supervised process: what its requests have to suffer. */
export interface InjectedFaults {
  /**
   * Call it before a request is handled: waits, or fails, as was asked for; does neither when nothing was.
   * @throws InjectedFaultError; the signal's reason when the caller gives up meanwhile
   */
  suffer(signal?: AbortSignal): Promise<void> | undefined
  /** Takes no more orders. */
  stop(): void
}

/** Listens to the supervisor. A process that has none suffers nothing. */
export function injectedFaults(options: { readonly service: string; readonly clock?: Clock; readonly random?: Random }): InjectedFaults {
  const { service, clock = systemClock, random = systemRandom } = options
  let faults = NO_FAULTS
  const onMessage = (message: unknown) => {
    if (isFaultMessage(message)) faults = message.faults
  }
  process.on('message', onMessage)
  // A listener keeps the channel, and so the process, alive; whether the process lives is for its own work to decide.
  process.channel?.unref()

  const suffering = async ({ latencyMs, errorRatio }: RequestFaults, signal: AbortSignal | undefined) => {
    if (latencyMs > 0) await sleep(clock, latencyMs, signal)
    if (random.float() < errorRatio) throw new InjectedFaultError(service)
  }
  return {
    suffer: (signal) => (faults.latencyMs === 0 && faults.errorRatio === 0 ? undefined : suffering(faults, signal)),
    stop: () => void process.off('message', onMessage),
  }
}

function isFaultMessage(message: unknown): message is FaultMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'faults'
}
