import { type Clock, sleep } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import type { NodePorts } from '@seaworthy/simulation'
import { column, compare, deleteFrom, equals, excluded, insert, plus, select, toSql } from '@seaworthy/simulation/postgres-model'
import { orderPlaced } from '../worlds/outbox-inbox.ts'
import { insertOrder, postgresOutboxWorld } from '../worlds/postgres-outbox.ts'
import type { Plant } from './plant.ts'

interface OutboxRow {
  readonly position: number
  readonly sequence: number
  readonly event: string
}

const OUTBOX = 'seaworthy_outbox'
// As the store of the model writes it.
const TOPIC = JSON.stringify('orders')
const OLDEST_FIRST = [{ column: 'position' }]
const eventOf = ({ event, sequence }: OutboxRow): EventEnvelope => ({ ...(JSON.parse(event) as EventEnvelope), sequence })

/** Does its round again and again, whatever goes wrong. */
function forever({ clock, note }: { readonly clock: Clock; readonly note: NodePorts['note'] }, round: () => Promise<void>): void {
  const run = async () => {
    for (;;) {
      await round().catch(() => undefined)
      await sleep(clock, 20)
    }
  }
  run().catch((error: unknown) => note('the relay ended', String(error)))
}

const nextNumber = (key: string) =>
  toSql(
    insert('seaworthy_outbox_sequences', [{ topic: TOPIC, key, last: 1 }], {
      onConflict: { do: 'update', target: ['topic', 'key'], set: { last: plus(column('last'), excluded('last')) } },
      returning: ['last'],
    }),
  )

/** Mistakes that only show where transactions overlap. */
export const postgresPlants: readonly Plant[] = [
  {
    name: 'cursor-over-gaps',
    mistake: 'The relay remembers the last position it read: a message with a smaller one that commits later is never sent.',
    world: postgresOutboxWorld({
      relaying({ eventLog, clock, note }, database) {
        forever({ clock, note }, async () => {
          const [cursor] = await database.query<{ position: number }>(toSql(select('relay_cursor')))
          const after = compare(column('position'), '>', cursor?.position ?? 0)
          const rows = await database.query<OutboxRow>(toSql(select(OUTBOX, { where: after, orderBy: OLDEST_FIRST, limit: 10 })))
          const last = rows.at(-1)
          if (last === undefined) return
          await eventLog.append('orders', rows.map(eventOf))
          const moved = { onConflict: { do: 'update', target: ['name'], set: { position: excluded('position') } } } as const
          await database.atomically([toSql(insert('relay_cursor', [{ name: 'relay', position: last.position }], moved))])
        })
      },
    }),
  },
  {
    name: 'skip-locked-order',
    mistake: 'Two relays share the outbox by SKIP LOCKED: one overtakes the other, and a key comes to the log in another order.',
    world: postgresOutboxWorld({
      relays: 2,
      relaying({ eventLog, clock, note }, database) {
        forever({ clock, note }, () =>
          database.transaction(async (tx) => {
            const next = select(OUTBOX, { orderBy: OLDEST_FIRST, limit: 1, forUpdate: 'skip-locked' })
            const [row] = await tx.query<OutboxRow>(toSql(next))
            if (row === undefined) return
            await eventLog.append('orders', [eventOf(row)])
            await tx.execute(toSql(deleteFrom(OUTBOX, { where: equals('position', row.position) })))
          }),
        )
      },
    }),
  },
  {
    name: 'sequence-outside-lock',
    mistake:
      "The key's next number is taken before the transaction of the order, which frees the key at once: the second number commits first, and the first comes too late.",
    world: postgresOutboxWorld({
      publishing:
        ({ clock }, database) =>
        async (order) => {
          const event = orderPlaced(order)
          const known = await database.query(toSql(select('orders', { where: equals('id', order.id) })))
          if (known.length > 0) return
          const [row] = await database.transaction((tx) => tx.query<{ last: number }>(nextNumber(event.key)))
          await database.transaction(async (tx) => {
            const { rowCount } = await tx.execute(insertOrder(order))
            if (rowCount === 0) return
            const message = { topic: TOPIC, sequence: row!.last, event: JSON.stringify(event), added_at_ms: clock.now() }
            await tx.execute(toSql(insert(OUTBOX, [message])))
          })
        },
    }),
  },
]
