import type { SagaRecord, SagaStatus } from './saga-store.ts'

type Tell = (record: SagaRecord) => void

/** Who waits in this process until a saga has moved. */
export class Waiters {
  readonly #waiters = new Map<string, Set<Tell>>()

  tell(record: SagaRecord): void {
    for (const tell of this.#waiters.get(record.id) ?? []) tell(record)
  }

  /** Settles when the saga has moved to a status that is enough. The signal ends the wait, and leaves it unsettled. */
  next(id: string, isEnough: (status: SagaStatus) => boolean, signal: AbortSignal): Promise<SagaRecord> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(id) ?? new Set()
      const tell = (record: SagaRecord) => {
        if (isEnough(record.status)) resolve(record)
      }
      this.#waiters.set(id, waiters.add(tell))
      signal.addEventListener('abort', () => {
        waiters.delete(tell)
        if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id)
      })
    })
  }
}
