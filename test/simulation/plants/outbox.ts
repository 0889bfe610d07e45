import { outbox, startRelay } from 'seaworthy/outbox'
import { insertOrder, orderPlaced, outboxInboxWorld } from '../worlds/outbox-inbox.ts'
import type { Plant } from './plant.ts'

/** Mistakes of whoever tells of what was stored. */
export const outboxPlants: readonly Plant[] = [
  {
    name: 'dual-write',
    mistake: 'The order is committed and then published: a crash in between loses the event.',
    world: outboxInboxWorld({
      publishing:
        ({ eventLog }, orders) =>
        async (order) => {
          const [inserted] = await orders.atomically([insertOrder(order)])
          if (inserted!.rowCount === 1) await eventLog.append('orders', [orderPlaced(order)])
        },
    }),
  },
  {
    name: 'publish-first',
    mistake: 'The event is published and then the order committed: a commit that fails leaves an event of nothing.',
    world: outboxInboxWorld({
      publishing:
        ({ eventLog }, orders) =>
        async (order) => {
          await eventLog.append('orders', [orderPlaced(order)])
          await orders.atomically([insertOrder(order)])
        },
    }),
  },
  {
    name: 'relay-deletes-first',
    mistake: 'The relay takes messages out of the outbox before the broker has them: a crash in between loses them.',
    world: outboxInboxWorld({
      relaying({ eventLog }, store) {
        const takingOut: typeof store = {
          add: (tx, topic, events) => store.add(tx, topic, events),
          topics: () => store.topics(),
          async unsent(topic, max) {
            const entries = await store.unsent(topic, max)
            await store.markSent(entries.map(({ position }) => position))
            return entries
          },
          markSent: async () => undefined,
          backlog: () => store.backlog(),
          onAdded: (listener) => store.onAdded(listener),
        }
        startRelay({ store: takingOut, log: eventLog })
      },
    }),
  },
  {
    name: 'no-confirm',
    mistake: "The relay does not wait for the broker's confirmation: an append that fails is marked as sent.",
    world: outboxInboxWorld({
      relaying({ eventLog }, store) {
        const hurrying: typeof eventLog = {
          async append(topic, events) {
            eventLog.append(topic, events).catch(() => undefined)
          },
          reader: (options) => eventLog.reader(options),
          topics: () => eventLog.topics(),
          close: () => eventLog.close(),
        }
        startRelay({ store, log: hurrying })
      },
    }),
  },
  {
    name: 'reply-before-start',
    mistake: 'The answer is sent while the transaction is still under way: a crash loses what the customer was promised.',
    world: outboxInboxWorld({
      publishing({ note }, orders, store) {
        const out = outbox({ store })
        return async (order) => {
          const work = orders.transaction(async (tx) => {
            const { rowCount } = await tx.execute(insertOrder(order))
            if (rowCount === 1) await out.add(tx, orderPlaced(order))
          })
          work.catch((error: unknown) => note('the order was not stored', String(error)))
        }
      },
    }),
  },
]
