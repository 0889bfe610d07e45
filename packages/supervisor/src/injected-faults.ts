import { type Clock, type Random, SeaworthyError, sleep, systemClock, systemRandom } from 'seaworthy/core'

/** What a running process is told to suffer, by `seaworthy fault`. All of it ends with `clear`. */
export type Fault =
  /** Every request waits so long before it is handled. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** This share of the requests, 0 to 1, fails before it is handled. */
  | { readonly kind: 'errors'; readonly ratio: number }
  /** Somebody takes the lock of the process's database again and again, and keeps it so long each time: in the process itself, by a transaction of its own. */
  | { readonly kind: 'lock'; readonly ms: number }
  /** The process stands still (SIGSTOP): its connections stay open, and nothing answers. */
  | { readonly kind: 'pause' }
  /** The process is gone at once (SIGKILL), and comes back by its supervisor. */
  | { readonly kind: 'kill' }
  /** It is replaced by one that kills itself where it comes to this point for the first time, as in `event-log:append:before`. Its successor does not. */
  | { readonly kind: 'crash'; readonly at: string }
  | { readonly kind: 'clear' }

/** What requests to a process suffer, until it is cleared. */
export interface RequestFaults {
  readonly latencyMs: number
  readonly errorRatio: number
  /** For how long the database's lock is held each time. Absent: nobody holds it. */
  readonly lockMs?: number
}

export const NO_FAULTS: RequestFaults = { latencyMs: 0, errorRatio: 0 }

/** Longer than any caller waits. */
export const LATENCY_MAX_MS = 600_000
/** Longer than any transaction may take. */
export const LOCK_MAX_MS = 60_000
/** A point that a process can be crashed at: an operation and its label. */
export const CRASH_POINT = /^[a-z][\w-]*:[^\s#@]+$/

const LOCK_PAUSE_MS = 20

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

export interface InjectedFaultsOptions {
  readonly service: string
  /** Takes the lock of the process's database and keeps it so long, or until the signal. Default: there is none to take. */
  readonly holdLock?: (ms: number, signal: AbortSignal) => Promise<void>
  readonly clock?: Clock
  readonly random?: Random
}

/** Listens to the supervisor. A process that has none suffers nothing. */
export function injectedFaults(options: InjectedFaultsOptions): InjectedFaults {
  const { service, holdLock, clock = systemClock, random = systemRandom } = options
  let faults = NO_FAULTS
  let holding: { readonly ms: number; readonly cleared: AbortController } | undefined
  const holdAsTold = (ms: number | undefined) => {
    if (ms === holding?.ms) return
    holding?.cleared.abort()
    holding = undefined
    if (ms === undefined || holdLock === undefined) return
    holding = { ms, cleared: new AbortController() }
    void holdAgainAndAgain(holdLock, { ms, signal: holding.cleared.signal, clock })
  }
  const onMessage = (message: unknown) => {
    if (!isFaultMessage(message)) return
    faults = message.faults
    holdAsTold(faults.lockMs)
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
    stop: () => {
      process.off('message', onMessage)
      holdAsTold(undefined)
    },
  }
}

/** Whoever waits for the lock meanwhile gets it in between. */
async function holdAgainAndAgain(
  holdLock: NonNullable<InjectedFaultsOptions['holdLock']>,
  { ms, signal, clock }: { readonly ms: number; readonly signal: AbortSignal; readonly clock: Clock },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await holdLock(ms, signal)
    } catch {
      // The database did not let it have the lock, or the fault was cleared.
    }
    await sleep(clock, LOCK_PAUSE_MS, signal).catch(() => undefined)
  }
}

function isFaultMessage(message: unknown): message is FaultMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'faults'
}
