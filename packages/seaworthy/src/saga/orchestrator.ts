import type { CallContext, Clock, Database, LeaseStore, Random, Transaction } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { ByHand } from './by-hand.ts'
import type { Saga } from './definition.ts'
import { RunningOrchestrator } from './running-orchestrator.ts'
import type { SagaRetention } from './retention.ts'
import type { SagaRecord, SagaStore } from './saga-store.ts'

export interface OrchestratorOptions {
  /** Every saga, and every version of it, that may be under way. */
  readonly sagas: readonly Saga<never>[]
  readonly store: SagaStore
  readonly database: Database
  /**
   * Called in the transaction of each change of status after the start, so that the owner's rows and outbox messages change with it. It may
   * run again when the transaction fails, so it does nothing but use `tx`.
   */
  readonly onStatus?: (tx: Transaction, record: SagaRecord) => Promise<void>
  /** Told what holds a saga up that is not its step's fault: the database, `onStatus`, missing code. Default: a process warning. */
  readonly onError?: (error: unknown, sagaId: string | undefined) => void
  /** Steps in progress at a time. A saga that backs off takes no part. Default 64. */
  readonly concurrencyMax?: number
  /** Sagas held in memory; the others wait in the store. Default 10,000. */
  readonly sagasMax?: number
  /** Over how long `resume` spreads the sagas that it finds. Default 2,000 ms. */
  readonly resumeSpreadMs?: number
  /** How long `stop` waits for steps in progress. Default 3,000 ms. */
  readonly stopTimeoutMs?: number
  /**
   * Needed where several processes share the store: each takes up what is due, and what a process left whose lease has ended. Without it this process is the
   * only one, and takes over whatever the one before it left.
   */
  readonly leases?: LeaseStore
  /** How long after its last sign of life a process is given up. Default 15,000 ms. */
  readonly leaseTtlMs?: number
  /**
   * The name of this instance, if it has one that its successor gets as well, and no two living processes share. With it a process takes up at once what the
   * one before it left, and need not wait until that one's lease ends. Used with `leases` alone.
   */
  readonly instance?: string
  /** What is kept of sagas that are over; looked at from {@link Orchestrator.resume} on. `keep-all` keeps everything for ever. */
  readonly retention?: SagaRetention | 'keep-all'
  readonly clock?: Clock
  readonly random?: Random
  /**
   * For tests that show what a rule is for. `treat-as-failed`: an unknown outcome is neither asked again nor undone, and money is lost.
   * @internal
   */
  readonly unsafe?: { readonly unknownOutcome: 'treat-as-failed' }
}

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface Orchestrator {
  /**
   * Stores a saga in the caller's transaction; it runs once that has committed.
   * @returns false when a saga of this id was started before: it is left as it is. Ids of sagas that are over are remembered for `retention.rememberIdsMs`
   * @throws ConfigurationError when the saga is not one of the orchestrator's
   */
  start<Input>(
    tx: Transaction,
    saga: Saga<Input>,
    options: { readonly id: string; readonly input: NoInfer<Input>; readonly context?: CallContext },
  ): Promise<boolean>
  /**
   * Waits until the saga is completed, compensated or parked, by this process.
   * @returns its record; undefined when that takes longer than `timeoutMs`, or the orchestrator stops before
   * @throws NotFoundError for an unknown id; the signal's reason
   */
  settled(id: string, options: WaitOptions): Promise<SagaRecord | undefined>
  /**
   * As `settled`, but no longer than until it is known how the saga ends: one that turned back is answered as `compensating`, with its reason,
   * while its steps are still being undone. For whoever waits for the outcome, and not for the clearing up.
   */
  decided(id: string, options: WaitOptions): Promise<SagaRecord | undefined>
  /**
   * Tells a saga something that it waits for, or will: in the transaction of whoever heard it, so that the inbox and the saga agree.
   * @param options `key`: that of the wait, where it has one
   * @returns `early` when the saga is not started yet: it is kept. `too-late` when the wait timed out, or the saga does not go forward any more
   */
  tell(
    tx: Transaction,
    sagaId: string,
    event: Pick<EventEnvelope, 'type' | 'data'>,
    options?: { readonly key?: string },
  ): Promise<'taken' | 'early' | 'duplicate' | 'too-late'>
  /**
   * Takes up all that is unfinished, spread over a while so that the services they call are not stormed; from then on whatever becomes due. Call it at boot.
   * @returns how many were taken up at once
   */
  resume(): Promise<number>
  /** Tries again what the saga was parked for. @throws NotFoundError; RejectedError when it is not parked */
  retry(id: string, by: ByHand): Promise<void>
  /** Takes the step that the saga was parked for as done with that result, or as undone. @throws NotFoundError; RejectedError when it does not stand there */
  skip(id: string, what: { readonly step: string; readonly result?: unknown }, by: ByHand): Promise<void>
  /** Turns a running or parked saga back. @throws NotFoundError; RejectedError `past-pivot` when nothing can be undone any more */
  abort(id: string, by: ByHand): Promise<void>
  /** Sagas in this process. */
  readonly active: number
  /** Begins no new step, waits a while for those in progress, and leaves the rest to the journal. */
  stop(): Promise<void>
}

/** Runs sagas: their steps as they are declared, many sagas side by side, all of it in the journal. */
export function orchestrator(options: OrchestratorOptions): Orchestrator {
  return new RunningOrchestrator(options)
}
