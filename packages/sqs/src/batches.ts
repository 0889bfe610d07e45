import { nextMacrotask } from 'seaworthy/core'

/** SQS takes ten at a time. */
export const BATCH_MAX = 10

interface Waiting<Entry> {
  readonly entry: Entry
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Does together what was asked for at the same time: a request of SQS costs the same for one as for ten. */
export class Batches<Entry> {
  readonly #bytesMax: number
  readonly #execute: (entries: readonly Entry[]) => Promise<readonly (Error | undefined)[]>
  #waiting: Waiting<Entry>[] = []

  /**
   * @param bytesMax of all entries of a request together
   * @param execute answers an error for each entry that failed, in their order; what it throws is the error of all
   */
  constructor(bytesMax: number, execute: (entries: readonly Entry[]) => Promise<readonly (Error | undefined)[]>) {
    this.#bytesMax = bytesMax
    this.#execute = execute
  }

  add(entry: Entry, bytes = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) nextMacrotask(() => this.#flush())
      this.#waiting.push({ entry, bytes, resolve, reject })
    })
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    let batch: Waiting<Entry>[] = []
    let batchBytes = 0
    for (const next of waiting) {
      if (batch.length === BATCH_MAX || batchBytes + next.bytes > this.#bytesMax) {
        void this.#run(batch)
        batch = []
        batchBytes = 0
      }
      batch.push(next)
      batchBytes += next.bytes
    }
    if (batch.length > 0) void this.#run(batch)
  }

  /** Never rejects: each who waits is told. */
  async #run(batch: readonly Waiting<Entry>[]): Promise<void> {
    try {
      const failures = await this.#execute(batch.map(({ entry }) => entry))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const failure = failures[index]
        if (failure === undefined) resolve()
        else reject(failure)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
