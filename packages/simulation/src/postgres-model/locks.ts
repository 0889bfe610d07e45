import { PostgresModelError } from './errors.ts'
import type { Version } from './heap.ts'
import type { Transactions, Xid } from './transactions.ts'

/** What a session waits for: the end of a transaction, or a lock that another session has. */
export type Wait = { readonly kind: 'transaction'; readonly xid: Xid } | { readonly kind: 'lock'; readonly target: LockTarget }

/** Where a statement stops: to wait, or at a point where the server could let another session go first. */
export type Stop = Wait | { readonly kind: 'turn' }

/**
 * What can be locked by one session at a time, with a queue of those who come later:
 * - a version: the turn to wait for whoever holds the row. It keeps the waiters of a row in order, and is given back once its holder has the row.
 * - a number: the key of an advisory lock, held until the transaction ends.
 */
export type LockTarget = Version | number

/** Work that can stop in the middle; it goes on when it is resumed. */
export type Waiting<Result> = Generator<Stop, Result, void>

const TURN: Stop = { kind: 'turn' }

/** Lets others go first. To be called before a look at what others may change, because sessions run side by side. */
export function* turn(): Waiting<void> {
  yield TURN
}

/** A session as the locks see it. */
export interface LockOwner {
  readonly name: string
  /** What it waits for now. */
  waitsFor: Wait | undefined
  /** Called once when what it waits for has come. */
  wake(): void
  /** Called instead when it will never come. */
  giveUp(error: PostgresModelError): void
}

interface Lock<Owner> {
  holder: Owner
  readonly queue: Owner[]
}

/**
 * Who holds and who waits. Every lock here excludes all others, so a waiter waits for exactly one session, and a deadlock is a chain of
 * waiters that comes back to its beginning.
 */
export class Locks<Owner extends LockOwner> {
  readonly #transactions: Transactions
  readonly #locks = new Map<LockTarget, Lock<Owner>>()
  readonly #runs = new Map<Xid, Owner>()
  readonly #waitersOf = new Map<Xid, Owner[]>()
  /** Those whose wait was not looked at yet, in the order in which their waits began. */
  readonly #unchecked = new Set<Owner>()

  constructor(transactions: Transactions) {
    this.#transactions = transactions
  }

  /** Says who runs a transaction, until {@link transactionEnded}. */
  transactionBegan(xid: Xid, owner: Owner): void {
    this.#runs.set(xid, owner)
  }

  /** Wakes all who waited for the transaction, in the order in which they came. */
  transactionEnded(xid: Xid): void {
    this.#runs.delete(xid)
    const waiters = this.#waitersOf.get(xid) ?? []
    this.#waitersOf.delete(xid)
    for (const waiter of waiters) waiter.wake()
  }

  *untilEnded(xid: Xid, owner: Owner): Waiting<void> {
    if (this.#transactions.stateOf(xid) !== 'running') return
    const waiters = this.#waitersOf.get(xid) ?? []
    this.#waitersOf.set(xid, waiters)
    yield this.#wait(waiters, owner, { kind: 'transaction', xid })
  }

  /** Takes the lock, after all who asked for it before. Taking it twice is taking it once. */
  *acquire(target: LockTarget, owner: Owner): Waiting<void> {
    if (this.tryAcquire(target, owner)) return
    // The holder hands it over: nobody who comes later can snatch it in between.
    yield this.#wait(this.#locks.get(target)!.queue, owner, { kind: 'lock', target })
  }

  tryAcquire(target: LockTarget, owner: Owner): boolean {
    const lock = this.#locks.get(target)
    if (lock === undefined) this.#locks.set(target, { holder: owner, queue: [] })
    return lock === undefined || lock.holder === owner
  }

  /** Hands the lock to whoever waits longest. Does nothing for one who does not hold it. */
  release(target: LockTarget, owner: Owner): void {
    const lock = this.#locks.get(target)
    if (lock?.holder !== owner) return
    const next = lock.queue.shift()
    if (next === undefined) {
      this.#locks.delete(target)
      return
    }
    lock.holder = next
    next.wake()
  }

  /** Releases what a transaction held to its end. */
  releaseAll(owner: Owner): void {
    for (const [target, { holder }] of this.#locks) if (holder === owner) this.release(target, owner)
  }

  /** Takes a waiter out of its queue. */
  leaveQueue(owner: Owner): void {
    const wait = owner.waitsFor
    if (wait === undefined) return
    const queue = wait.kind === 'transaction' ? this.#waitersOf.get(wait.xid) : this.#locks.get(wait.target)?.queue
    queue?.splice(queue.indexOf(owner), 1)
    owner.waitsFor = undefined
  }

  /** Whom the session waits for. */
  blockerOf(owner: Owner): Owner | undefined {
    const wait = owner.waitsFor
    if (wait === undefined) return undefined
    return wait.kind === 'transaction' ? this.#runs.get(wait.xid) : this.#locks.get(wait.target)?.holder
  }

  /**
   * Ends the wait of one session of a deadlock. PostgreSQL looks for one when a wait has lasted for `deadlock_timeout`, once, and ends the one that looked. Here
   * that moment is when nobody can go on: of the sessions in the circle that began to wait since the last such moment it is the first, or the one chosen.
   * @returns false when there is no deadlock
   */
  breakDeadlock(choose: (owners: readonly Owner[]) => Owner): boolean {
    for (const owner of this.#unchecked) {
      const circle = this.#circleOf(owner)
      if (circle === undefined) continue
      const looking = [...this.#unchecked].filter((each) => circle.includes(each))
      const victim = choose(looking)
      this.#unchecked.delete(victim)
      victim.giveUp(new PostgresModelError('40P01', `Deadlock: ${[...circle, owner].map(({ name }) => name).join(' waits for ')}.`))
      return true
    }
    this.#unchecked.clear()
    return false
  }

  #circleOf(owner: Owner): readonly Owner[] | undefined {
    const circle: Owner[] = []
    for (let next: Owner | undefined = owner; next !== undefined && !circle.includes(next); next = this.blockerOf(next)) circle.push(next)
    const last = circle.at(-1)
    return last !== undefined && this.blockerOf(last) === owner ? circle : undefined
  }

  #wait(queue: Owner[], owner: Owner, wait: Wait): Wait {
    owner.waitsFor = wait
    queue.push(owner)
    this.#unchecked.delete(owner)
    this.#unchecked.add(owner)
    return wait
  }
}
