import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { EventEnvelope } from 'seaworthy/messaging'
import {
  type Schema,
  type Session,
  PostgresModel,
  and,
  begin,
  column,
  commit,
  compare,
  currentXid,
  equals,
  excluded,
  insert,
  nextval,
  outboxStoreSchema,
  plus,
  postgresModelDatabase,
  postgresModelOutboxStore,
  select,
  snapshotXmin,
  update,
} from '../../src/postgres-model/index.ts'
import { attempt, settled } from './table-of-rows.ts'

/** An outbox as teams write one, with all that the designs below use. */
const schema: Schema = {
  sequences: ['message_position'],
  tables: {
    message: {
      columns: {
        position: { type: 'bigint', default: nextval('message_position') },
        xid: { type: 'bigint', default: currentXid() },
        key: { type: 'text', default: 'k' },
        number: { type: 'bigint', default: 0 },
        sent: { type: 'boolean', default: false },
      },
      primaryKey: ['position'],
    },
    key_number: { columns: { key: { type: 'text' }, last: { type: 'bigint' } }, primaryKey: ['key'] },
  },
}

const oldestFirst = [{ column: 'position' }]
const takeNumber = insert('key_number', [{ key: 'k', last: 1 }], {
  onConflict: { do: 'update', target: ['key'], set: { last: plus(column('last'), excluded('last')) } },
  returning: ['last'],
})

function sessions(...names: readonly string[]): Session[] {
  const model = new PostgresModel(schema)
  return names.map((name) => model.connect(name))
}

/** A reader that remembers the last position it saw. */
class Cursor {
  readonly seen: number[] = []
  readonly #session: Session
  readonly #fenced: boolean

  constructor(session: Session, options: { fenced: boolean }) {
    this.#session = session
    this.#fenced = options.fenced
  }

  async read(): Promise<void> {
    const after = compare(column('position'), '>', this.seen.at(-1) ?? 0)
    const where = this.#fenced ? and(after, compare(column('xid'), '<', snapshotXmin())) : after
    const { rows } = await this.#session.execute(select('message', { where, orderBy: oldestFirst }))
    for (const { position } of rows) this.seen.push(Number(position))
  }
}

/** Two writers, of which the one with the smaller number commits last, and a reader that looks after each commit. */
async function readDuringLateCommit(options: { fenced: boolean }): Promise<readonly number[]> {
  const [slow, fast, reader] = sessions('slow', 'fast', 'reader')
  const cursor = new Cursor(reader!, options)
  for (const writer of [slow!, fast!]) {
    await writer.execute(begin)
    await writer.execute(insert('message', [{}]))
  }
  await fast!.execute(commit)
  await cursor.read()
  await slow!.execute(commit)
  await cursor.read()
  return cursor.seen
}

void suite('the PostgreSQL model: designs of an outbox', () => {
  test('a cursor over a sequence loses the message whose number was given first and committed last', async () => {
    assert.deepEqual(await readDuringLateCommit({ fenced: false }), [2])
  })

  test('a cursor behind the horizon of running transactions loses nothing', async () => {
    assert.deepEqual(await readDuringLateCommit({ fenced: true }), [1, 2])
  })

  test('two relays that skip what is locked invert the order of a key', async () => {
    const [writer, slow, fast] = sessions('writer', 'slow relay', 'fast relay')
    await writer!.execute(insert('message', [{}, {}]))
    const sent: unknown[] = []
    const takeOne = async (relay: Session) => {
      await relay.execute(begin)
      const { rows } = await relay.execute(
        select('message', { where: equals('sent', false), orderBy: oldestFirst, limit: 1, forUpdate: 'skip-locked' }),
      )
      return rows[0]!['position']!
    }
    const finish = async (relay: Session, position: number) => {
      sent.push(position)
      await relay.execute(update('message', { sent: true }, { where: equals('position', position) }))
      await relay.execute(commit)
    }
    const ofSlow = Number(await takeOne(slow!))
    await finish(fast!, Number(await takeOne(fast!)))
    await finish(slow!, ofSlow)
    assert.deepEqual(sent, [2, 1])
  })

  test('a number that is taken outside of the transaction can be committed after its successor', async () => {
    const [slow, fast, relay] = sessions('slow', 'fast', 'relay')
    const number = async (writer: Session) => Number((await writer.execute(takeNumber)).rows[0]!['last'])
    const numbers = [await number(slow!), await number(fast!)]
    await fast!.execute(insert('message', [{ number: numbers[1]! }]))
    const first = await relay!.execute(select('message', { columns: ['number'] }))
    await slow!.execute(insert('message', [{ number: numbers[0]! }]))
    assert.deepEqual(first.rows, [{ number: 2 }])
  })

  test('a number that is taken in the transaction holds its successors back until the commit', async () => {
    const [slow, fast, relay] = sessions('slow', 'fast', 'relay')
    await slow!.execute(begin)
    await slow!.execute(takeNumber)
    await fast!.execute(begin)
    const taking = attempt(fast!, takeNumber)
    await settled()
    assert.equal(taking.outcome, 'waits')
    await slow!.execute(insert('message', [{ number: 1 }]))
    await slow!.execute(commit)
    await settled()
    assert.deepEqual(taking.outcome, { rows: [{ last: 2 }], rowCount: 1 })
    assert.deepEqual((await relay!.execute(select('message', { columns: ['number'] }))).rows, [{ number: 1 }])
  })

  test('the outbox: whoever reads at any moment finds the numbers of a key without a gap before what is there', async () => {
    const model = new PostgresModel(outboxStoreSchema)
    const database = postgresModelDatabase(model)
    const store = postgresModelOutboxStore(database)
    const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>())
    const writers = gates.map((gate, index) =>
      database.transaction(async (tx) => {
        await store.add(tx, 'orders', [event(index)])
        await gate.promise
      }),
    )
    // The last to begin would like to commit first.
    for (const gate of gates.toReversed()) {
      gate.resolve()
      await settled()
      const found = (await store.unsent('orders', 10)).map(({ event: { sequence } }) => sequence)
      assert.deepEqual(
        found,
        found.map((_, index) => index + 1),
      )
    }
    await Promise.all(writers)
    assert.equal((await store.unsent('orders', 10)).length, 6)
  })
})

function event(index: number): EventEnvelope {
  return {
    id: `event-${index}`,
    type: 'order.placed',
    version: 1,
    source: 'orders',
    key: 'k',
    sequence: 0,
    time: '2026-01-01T00:00:00Z',
    correlationId: 'c',
    data: {},
  }
}
