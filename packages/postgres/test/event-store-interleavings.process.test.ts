import assert from 'node:assert/strict'
import { type TestContext, suite, test } from 'node:test'
import type { NewStoredEvent } from 'seaworthy/event-sourcing'
import { pgTransaction, postgresEventStore } from '@seaworthy/postgres'
import { openTransaction, untilWaiting } from './held-open.ts'
import { horizon, idleWriter, open } from './overlapping.ts'

let made = 0

suite('all streams of the event store in one order', () => {
  const stored = (): NewStoredEvent => ({
    id: `event-${++made}`,
    type: 'happened',
    schemaVersion: 1,
    data: {},
    context: { correlationId: 'c' },
  })
  const opened = async (t: TestContext) => {
    const under = await open(t)
    const store = postgresEventStore(under.database)
    const append = (stream: string) => under.database.transaction((tx) => store.append(tx, stream, [stored()], 'any'))
    const begin = async (stream: string) => {
      const transaction = openTransaction(under.database, (tx) => store.append(tx, stream, [stored()], 'any'))
      await transaction.ready
      return transaction
    }
    const read = async (after = 0) => (await store.readAll({ after, max: 100 })).map(({ stream }) => stream)
    return { ...under, store, append, begin, read }
  }

  test('a reader stops before an append in flight, and loses nothing when that commits after a later one', async (t) => {
    const { append, begin, read, store } = await opened(t)
    await append('a')
    const late = await begin('b')
    await append('c')
    assert.deepEqual(await read(), ['a'])
    assert.equal(await store.head(), 1)
    await late.commit()
    assert.deepEqual(await read(), ['a', 'b', 'c'])
    assert.equal(await store.head(), 3)
  })

  test('a place that a rollback left empty holds nobody up, whatever else is in flight', async (t) => {
    const { append, begin, read, observer, connect } = await opened(t)
    const lost = await begin('b')
    await append('c')
    assert.deepEqual(await read(), [])
    const held = await idleWriter(observer)
    const later = await begin('d')
    await lost.rollBack()
    assert.deepEqual(await read(), ['c'])
    await append('e')
    assert.deepEqual(await read(), ['c'])
    await later.rollBack()
    assert.deepEqual(await read(), ['c', 'e'])
    assert.equal(await horizon(await connect()), held, 'the idle writer did not hold the horizon')
  })

  test('a reader that begins behind old gaps looks once, and then reads on', async (t) => {
    const { append, begin, read, database } = await opened(t)
    for (let round = 0; round < 3; round++) {
      await (await begin('lost')).rollBack()
      await append(`kept-${round}`)
    }
    assert.deepEqual(await read(), ['kept-0', 'kept-1', 'kept-2'])
    const fresh = postgresEventStore(database)
    assert.equal((await fresh.readAll({ after: 2, max: 100 })).length, 2)
  })

  test('a prepared transaction holds its place until it is decided', async (t) => {
    const { append, read, connect, store } = await opened(t)
    const client = await connect()
    for (const decision of ['COMMIT', 'ROLLBACK']) {
      await client.query('BEGIN')
      await store.append(pgTransaction(client), `prepared ${decision}`, [stored()], 'any')
      await append('after')
      const before = await read()
      await client.query(`PREPARE TRANSACTION '${decision}'`)
      assert.deepEqual([await read(), await read()], [before, before])
      await client.query(`${decision} PREPARED '${decision}'`)
    }
    assert.deepEqual(await read(), ['prepared COMMIT', 'after', 'after'])
  })

  test('readers beside many writers, some of which roll back, miss nothing and see each stream in its order', async (t) => {
    const { database, openAnother, store } = await opened(t)
    const reader = postgresEventStore(await openAnother())
    let writing = true
    let kept = 0
    const writer = async (seed: number) => {
      for (let round = 0; round < 40; round++) {
        const stream = `stream-${(seed + round) % 5}`
        await database
          .transaction(async (tx) => {
            await store.append(tx, stream, [stored(), stored()], 'any')
            if ((seed + round) % 7 === 0) throw new Error('rolled back')
          })
          .then(
            () => (kept += 2),
            () => undefined,
          )
      }
    }
    const seen: { stream: string; version: number }[] = []
    const reading = async () => {
      for (let after = 0, last = false; !last;) {
        last = !writing
        const page = await reader.readAll({ after, max: 9 })
        if (page.length > 0) last = false
        seen.push(...page)
        after = page.at(-1)?.position ?? after
      }
    }
    const readings = reading()
    await Promise.all(Array.from({ length: 8 }, (_, seed) => writer(seed)))
    writing = false
    await readings
    assert.equal(seen.length, kept)
    for (let index = 0; index < 5; index++) {
      const versions = seen.filter(({ stream }) => stream === `stream-${index}`).map(({ version }) => version)
      assert.deepEqual(
        versions,
        versions.map((_, place) => place + 1),
      )
    }
  })

  test('an event that two append at one time is stored once, and both get the same answer', async (t) => {
    const { database, store, begin, observer } = await opened(t)
    const first = await begin('a')
    const same = stored()
    const appending = [1, 2].map(() => database.transaction((tx) => store.append(tx, 'a', [same], 'any')))
    await untilWaiting(observer, 2)
    await first.commit()
    assert.deepEqual(await Promise.all(appending), [2, 2])
  })
})
