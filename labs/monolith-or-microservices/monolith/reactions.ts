import { type Transaction, UnsupportedError } from 'seaworthy/core'
import type { HandlerOfTypes } from 'seaworthy/messaging'
import type { Outbox } from 'seaworthy/outbox'

/**
 * Where the services have an outbox, a relay, a log, consumers and inboxes, a monolith has a call: whoever reacts to an event is in the same process, and does so in the
 * transaction that makes it true.
 * @param listeners asked at each event, so that those can be among them who publish on it themselves
 */
export function calling(listeners: readonly HandlerOfTypes<[Transaction]>[]): Outbox {
  return {
    async add(tx, ...events) {
      for (const event of events) for (const listener of listeners) await listener(event, tx)
    },
    commit: async () => {
      throw new UnsupportedError('Nobody reacts outside of a transaction here. Use add in one.')
    },
  }
}
