export interface Notification {
  readonly channel: string
  readonly payload: string
}

/** Who takes notifications, in a moment of its own choice: PostgreSQL hands none out in the middle of a transaction. */
export interface NotificationReceiver {
  receive(notification: Notification): void
}

/** LISTEN and NOTIFY: both take effect at the commit of their transaction, and notifications come in the order of commits. */
export class Notifications {
  readonly #listeners = new Map<string, Set<NotificationReceiver>>()

  listen(channel: string, receiver: NotificationReceiver): void {
    const receivers = this.#listeners.get(channel)
    if (receivers === undefined) this.#listeners.set(channel, new Set([receiver]))
    else receivers.add(receiver)
  }

  unlisten(channel: string, receiver: NotificationReceiver): void {
    this.#listeners.get(channel)?.delete(receiver)
  }

  remove(receiver: NotificationReceiver): void {
    for (const receivers of this.#listeners.values()) receivers.delete(receiver)
  }

  publish(notification: Notification): void {
    for (const receiver of this.#listeners.get(notification.channel) ?? []) receiver.receive(notification)
  }
}
