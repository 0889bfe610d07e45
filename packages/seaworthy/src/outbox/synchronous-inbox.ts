import { ConfigurationError } from 'seaworthy/core'
import type { Attempt, EventEnvelope, MessageHandler } from 'seaworthy/messaging'
import { type InboxOptions, afterHandling, inboxMessage } from './inbox.ts'
import type { SynchronousInboxStore } from './inbox-store.ts'

export interface SynchronousInboxOptions<Handle> extends Omit<InboxOptions, 'store' | 'database'> {
  readonly store: SynchronousInboxStore<Handle>
}

export interface SynchronousInbox<Handle> {
  /**
   * A message handler whose effects happen once per message: `handler` writes by `handle`, in the transaction that also records the message. It returns when
   * it is done: one that returns a promise is refused, because the transaction would be over before it.
   */
  handle(handler: (event: EventEnvelope, handle: Handle, attempt: Attempt) => void): MessageHandler
}

/** As {@link inbox}, for handles whose transactions are synchronous. */
export function synchronousInbox<Handle>(options: SynchronousInboxOptions<Handle>): SynchronousInbox<Handle> {
  const { store } = options
  const after = afterHandling(options)
  return {
    handle: (handler) => async (event, attempt) => {
      const verdict = store.transactionSync((handle) => {
        const verdict = store.admitSync(handle, inboxMessage(options, event, attempt))
        if (verdict.kind === 'duplicate') return verdict
        const returned: unknown = handler(event, handle, attempt)
        if (returned instanceof Promise) {
          returned.catch(() => undefined)
          throw new ConfigurationError(
            'A handler of a synchronous inbox returned a promise. What it awaits would be outside of the transaction: use no await in it.',
          )
        }
        return verdict
      })
      await after(verdict, event)
    },
  }
}
