import type { OpenTransaction, Storage } from './command.ts'
import type { LockOwner } from './locks.ts'
import type { Notification, NotificationReceiver, Notifications } from './notifications.ts'
import type { Xid } from './transactions.ts'

/** A transaction of a session, with all that happens at its end. */
export class TransactionBlock implements OpenTransaction {
  xid: Xid | undefined
  commands = 0
  readonly #storage: Storage
  readonly #notifications: Notifications
  readonly #owner: LockOwner & NotificationReceiver
  readonly #pending: Notification[] = []
  readonly #listening: { readonly kind: 'listen' | 'unlisten'; readonly channel: string }[] = []

  constructor(storage: Storage, notifications: Notifications, owner: LockOwner & NotificationReceiver) {
    this.#storage = storage
    this.#notifications = notifications
    this.#owner = owner
  }

  /** Announces at the commit. The same words on the same channel are said once. */
  notify(notification: Notification): void {
    const known = this.#pending.some(({ channel, payload }) => channel === notification.channel && payload === notification.payload)
    if (!known) this.#pending.push(notification)
  }

  listen(kind: 'listen' | 'unlisten', channel: string): void {
    this.#listening.push({ kind, channel })
  }

  commit(): void {
    // Notifications are ordered by the commits of their transactions, so that such a transaction has an id even without a write.
    if (this.#pending.length > 0) this.#ensureXid()
    for (const { kind, channel } of this.#listening) this.#notifications[kind](channel, this.#owner)
    this.#end('committed')
    for (const notification of this.#pending) this.#notifications.publish(notification)
  }

  rollback(): void {
    this.#end('aborted')
  }

  #end(outcome: 'committed' | 'aborted'): void {
    const { transactions, locks } = this.#storage
    // What was written is visible, or void, before anybody who waited for it goes on.
    if (this.xid !== undefined) {
      transactions.end(this.xid, outcome)
      locks.transactionEnded(this.xid)
    }
    locks.releaseAll(this.#owner)
  }

  #ensureXid(): void {
    this.xid ??= this.#storage.transactions.begin()
  }
}
