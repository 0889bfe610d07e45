import { type Random, sleep, systemClock } from 'seaworthy/core'
import type { ReadStore } from 'seaworthy/projections'
import type { Balance } from './account.ts'
import type { Bank } from './bank.ts'

/** One look at a balance. */
export interface Read {
  readonly atMs: number
  readonly account: string
  readonly version: number
  /** How many events of the account were in what was read; `undefined` when the read failed. */
  readonly movements: number | undefined
  readonly tookMs: number
}

const READERS = 4
const BETWEEN_READS_MS = 2
const BETWEEN_EVENTS_MS = 5

/** Customers who go on with their business while something else is done: they look at their balances, and move money. */
export class Customers {
  readonly reads: Read[] = []
  events = 0
  readonly #over = new AbortController()
  readonly #working: Promise<unknown>

  constructor(bank: Bank, accounts: readonly string[], random: Random) {
    const readers = Array.from({ length: READERS }, () => this.#look(bank.documents, accounts, random))
    this.#working = Promise.all([...readers, this.#moveMoney(bank)])
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#working
  }

  /** Reads that saw less of an account than an earlier one. */
  get wentBack(): readonly Read[] {
    const most = new Map<string, number>()
    return this.reads.filter(({ account, movements = 0 }) => {
      const before = most.get(account) ?? 0
      most.set(account, Math.max(before, movements))
      return movements < before
    })
  }

  async #look(documents: ReadStore, accounts: readonly string[], random: Random): Promise<void> {
    while (!this.#over.signal.aborted) {
      const account = accounts[Math.floor(random.float() * accounts.length)]!
      const startedMs = systemClock.monotonicMs()
      const found = await documents.find('balances', account).catch(() => undefined)
      const movements = (found?.document?.document as Balance | undefined)?.movements
      const tookMs = systemClock.monotonicMs() - startedMs
      this.reads.push({ atMs: systemClock.now(), account, version: found?.version ?? 0, movements, tookMs })
      await sleep(systemClock, BETWEEN_READS_MS)
    }
  }

  async #moveMoney(bank: Bank): Promise<void> {
    while (!this.#over.signal.aborted) {
      await bank.work(1)
      this.events++
      await sleep(systemClock, BETWEEN_EVENTS_MS)
    }
  }
}
