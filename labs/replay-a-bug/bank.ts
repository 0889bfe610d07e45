import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Random, newId } from 'seaworthy/core'
import type { EventStore, StoredEvent } from 'seaworthy/event-sourcing'
import { type ReadStore, startDocumentProjection } from 'seaworthy/projections'
import { eventStoreSchema, migrate, openSqliteDatabase, readStoreSchema, sqliteEventStore, sqliteReadStore } from 'seaworthy/sqlite'
import { type AccountEvent, type Balance, balances } from './account.ts'

const PAGE = 1_000
const APPEND_TOGETHER = 250
const FEE_SHARE = 0.02
const REVERSED_SHARE = 0.02

/** The books of a bank, which say no more than what happened, and what is read from them. */
export interface Bank extends AsyncDisposable {
  readonly source: EventStore
  readonly documents: ReadStore
  /** Cash in the vault, as those know who count it: in with deposits, out with withdrawals, back with what was reversed. The fees are in it. */
  readonly cashCents: () => number
  readonly feesCents: () => number
  /** Accounts of which a withdrawal was reversed. */
  readonly reversed: ReadonlySet<string>
  /** So many events of customers as they are. */
  work(events: number): Promise<void>
  /** Keeps a version up to date until the bank closes. */
  build(version: number): { caughtUp(): Promise<boolean> }
}

export async function openBank(directory: string, { accounts, random }: { accounts: number; random: Random }): Promise<Bank> {
  const database = await openSqliteDatabase({ path: join(directory, 'bank.db') })
  await migrate(database, [eventStoreSchema])
  const read = await openSqliteDatabase({ path: join(directory, 'balances.db') })
  await migrate(read, [readStoreSchema])
  const source = sqliteEventStore(database)
  const documents = sqliteReadStore(read)
  const stack = new AsyncDisposableStack()
  stack.defer(() => database.close())
  stack.defer(() => read.close())
  const open = new Map<string, Extract<AccountEvent, { type: 'withdrawn' }>>()
  const reversed = new Set<string>()
  let cashCents = 0
  let feesCents = 0

  const next = (account: string): AccountEvent => {
    const last = open.get(account)
    if (last !== undefined && random.float() < REVERSED_SHARE) {
      open.delete(account)
      reversed.add(account)
      cashCents += last.cents
      feesCents -= last.feeCents
      return { ...last, type: 'reversed' }
    }
    const cents = 100 + Math.floor(random.float() * 20_000)
    if (random.float() < 0.6) {
      cashCents += cents
      return { type: 'deposited', cents }
    }
    const event = { type: 'withdrawn', cents, feeCents: Math.ceil(cents * FEE_SHARE) } as const
    open.set(account, event)
    cashCents -= cents
    feesCents += event.feeCents
    return event
  }
  const append = (count: number) =>
    database.transaction(async (tx) => {
      for (let n = 0; n < count; n++) {
        const account = `account-${Math.floor(random.float() * accounts)}`
        const { type, ...data } = next(account)
        const id = newId()
        await source.append(tx, account, [{ id, type, schemaVersion: 1, data, context: { correlationId: id } }], 'any')
      }
    })
  return {
    source,
    documents,
    cashCents: () => cashCents,
    feesCents: () => feesCents,
    reversed,
    async work(events) {
      for (let done = 0; done < events; done += APPEND_TOGETHER) await append(Math.min(APPEND_TOGETHER, events - done))
    },
    build(version) {
      const running = startDocumentProjection({ projection: balances(version), source, store: documents })
      stack.defer(() => running.stop())
      return { caughtUp: async () => (await running.lag()).positions === 0 }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** All balances that customers see. */
export async function visibleBalances(documents: ReadStore): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (let offset = 0; ; offset += PAGE) {
    const { documents: page } = await documents.list('balances', { in: 'all', offset, max: PAGE })
    for (const { key, document } of page) found.set(key, (document as Balance).cents)
    if (page.length < PAGE) return found
  }
}

/** The events up to a position, and a fingerprint of all that they are: the audit trail. */
export async function auditTrail(
  source: EventStore,
  upTo: number,
): Promise<{ readonly sha256: string; readonly events: readonly StoredEvent[] }> {
  const hash = createHash('sha256')
  const events: StoredEvent[] = []
  for (let after = 0; after < upTo;) {
    const page = await source.readAll({ after, max: Math.min(PAGE, upTo - after) })
    if (page.length === 0) break
    for (const event of page) hash.update(`${JSON.stringify(event)}\n`)
    events.push(...page)
    after = page.at(-1)!.position
  }
  return { sha256: hash.digest('hex'), events }
}
