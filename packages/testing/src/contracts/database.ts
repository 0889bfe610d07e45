import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Database, type SqlValue, type Transaction, SeaworthyError, currentContext, executedOf, withContext } from 'seaworthy/core'
import { eventually } from './eventually.ts'
import { withFresh } from './with-fresh.ts'

/** One database of the engine under test, empty. */
export interface DatabaseUnderTest {
  readonly database: Database
  /** What another process finds that takes over after this one died at this moment, without a chance to close. Absent: it cannot be simulated here. */
  readonly crash?: () => Promise<Database>
  /** Closes it and removes what it left. */
  readonly dispose: () => Promise<void>
}

/**
 * What every `Database` must do, as tests of node:test.
 * @param open makes a fresh database for each test
 */
export function databaseContract(name: string, open: () => Promise<DatabaseUnderTest>): void {
  const check = (sentence: string, body: (database: Database, under: DatabaseUnderTest) => Promise<void>) => {
    void test(sentence, () =>
      withFresh(open, async (under) => {
        await under.database.transaction(async (tx) => {
          await tx.execute({ sql: 'CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n >= 0))' })
        })
        await body(under.database, under)
      }),
    )
  }

  void suite(`database contract: ${name}`, () => {
    check('what was acknowledged can be read, and what runs cannot', async (database) => {
      await database.transaction(async (tx) => {
        await insert(database, tx, 1, 10)
        assert.deepEqual(await database.query({ sql: 'SELECT id FROM item' }), [], 'query() saw what is not committed')
        assert.deepEqual(await tx.query({ sql: 'SELECT id, n FROM item' }), [{ id: 1, n: 10 }], 'tx.query() did not see its own write')
      })
      assert.deepEqual(await database.query({ sql: 'SELECT id, n FROM item' }), [{ id: 1, n: 10 }])
    })

    check('a throw rolls back everything of its body, and is passed on as it is', async (database) => {
      const thrown = new Error('changed my mind')
      await assert.rejects(
        database.transaction(async (tx) => {
          await insert(database, tx, 1, 10)
          await insert(database, tx, 2, 10)
          throw thrown
        }),
        (error) => error === thrown,
      )
      assert.deepEqual(await ids(database), [])
    })

    check('a body that throws before it returns a promise is rolled back too', async (database) => {
      const thrown = new Error('at once')
      const body = () => {
        throw thrown
      }
      await assert.rejects(database.transaction(body), (error) => error === thrown)
      await database.transaction((tx) => insert(database, tx, 1, 1))
      assert.deepEqual(await ids(database), [1])
    })

    check('among many at once, those that throw leave nothing and the others everything', async (database) => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 60 }, (_, index) =>
          database.transaction(async (tx) => {
            await insert(database, tx, index, index)
            if (index % 4 === 1) await new Promise((resolve) => setImmediate(resolve))
            if (index % 3 === 0) throw new Error(`body ${index}`)
            return index
          }),
        ),
      )
      const kept = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      assert.equal(kept.length, 40)
      assert.deepEqual(await ids(database), kept)
    })

    check('no increment is lost among concurrent ones', async (database) => {
      await database.transaction((tx) => insert(database, tx, 1, 0))
      await Promise.all(
        Array.from({ length: 50 }, () =>
          database.transaction(async (tx) => {
            if (database.concurrency === 'overlapping') {
              await tx.execute({ sql: 'UPDATE item SET n = n + 1 WHERE id = 1' })
              return
            }
            // One after another: a value that was read is still true when it is written.
            const [row] = await tx.query<{ n: number }>({ sql: 'SELECT n FROM item WHERE id = 1' })
            await Promise.resolve()
            await tx.execute({ sql: `UPDATE item SET n = ${parameter(database, 1)} WHERE id = 1`, params: [row!.n + 1] })
          }),
        ),
      )
      assert.deepEqual(await database.query({ sql: 'SELECT n FROM item' }), [{ n: 50 }])
    })

    check('tx is refused after its body has ended, and does nothing', async (database) => {
      let kept: Transaction | undefined
      await database.transaction(async (tx) => {
        kept = tx
      })
      const late = kept!
      for (const use of [() => insert(database, late, 1, 1), () => late.query({ sql: 'SELECT 1 AS one' })]) {
        await assert.rejects(use(), (error) => error instanceof SeaworthyError && error.executed === 'no')
      }
      assert.throws(() => late.afterCommit(() => assert.fail('ran')), SeaworthyError)
      assert.deepEqual(await ids(database), [])
    })

    check('a statement that a body left behind does not slip into the next transaction', async (database) => {
      const gate = Promise.withResolvers<void>()
      let late: Promise<unknown> = Promise.resolve()
      await database.transaction(async (tx) => {
        late = gate.promise.then(() => insert(database, tx, 1, 1))
        // Its rejection is looked at below; until then it must not end the process.
        late.catch(() => undefined)
      })
      await database.transaction(async (tx) => {
        gate.resolve()
        await late.catch(() => undefined)
        await insert(database, tx, 2, 2)
      })
      await assert.rejects(late, SeaworthyError)
      assert.deepEqual(await ids(database), [2])
    })

    check('a body that takes too long is rolled back alone', async (database) => {
      const neighbours = [1, 3].map((id) => () => database.transaction((tx) => insert(database, tx, id, id)))
      let hung: Transaction | undefined
      const before = neighbours[0]!()
      const slow = database.transaction(
        async (tx) => {
          hung = tx
          await insert(database, tx, 2, 2)
          await new Promise(() => undefined)
        },
        { timeoutMs: 20 },
      )
      const after = neighbours[1]!()
      await assert.rejects(slow, (error) => error instanceof SeaworthyError && error.code === 'timeout' && error.executed === 'no')
      await Promise.all([before, after])
      await assert.rejects(insert(database, hung!, 4, 4), SeaworthyError)
      assert.deepEqual(await ids(database), [1, 3])
    })

    check('an aborted signal keeps the body from running', async (database) => {
      const reason = new Error('never mind')
      const body = async () => assert.fail('ran')
      await assert.rejects(database.transaction(body, { signal: AbortSignal.abort(reason) }), (error) => error === reason)
      if (database.concurrency === 'overlapping') return
      const gate = Promise.withResolvers<void>()
      const running = database.transaction(() => gate.promise)
      const controller = new AbortController()
      const waiting = database.transaction(body, { signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(waiting, (error) => error === reason)
      gate.resolve()
      await running
    })

    check('an abort rolls back a body that runs', async (database) => {
      const reason = new Error('never mind')
      const controller = new AbortController()
      const running = database.transaction(
        async (tx) => {
          await insert(database, tx, 1, 1)
          controller.abort(reason)
          await new Promise(() => undefined)
        },
        { signal: controller.signal },
      )
      await assert.rejects(running, (error) => error === reason)
      assert.deepEqual(await ids(database), [])
    })

    check('an abort after the commit changes nothing', async (database) => {
      const controller = new AbortController()
      await database.transaction((tx) => insert(database, tx, 1, 1), { signal: controller.signal })
      controller.abort()
      assert.deepEqual(await ids(database), [1])
    })

    check(
      'effects run after the commit, in order; none of a transaction that rolled back; one that throws harms nobody',
      async (database) => {
        const warnings: Error[] = []
        const onWarning = (warning: Error) => warnings.push(warning)
        process.on('warning', onWarning)
        const seen: unknown[] = []
        await database.transaction(async (tx) => {
          await insert(database, tx, 1, 1)
          tx.afterCommit(() => seen.push('first'))
          tx.afterCommit(() => {
            throw new Error('a bell that broke')
          })
          tx.afterCommit(() => seen.push('last'))
          assert.deepEqual(seen, [])
        })
        await assert.rejects(
          database.transaction(async (tx) => {
            tx.afterCommit(() => seen.push('of a rollback'))
            throw new Error('back')
          }),
        )
        await eventually('the effects ran, and the broken one is warned of', () => seen.length === 2 && warnings.length === 1)
        process.off('warning', onWarning)
        assert.deepEqual(seen, ['first', 'last'])
        assert.deepEqual(await ids(database), [1])
      },
    )

    check('an effect finds what was committed', async (database) => {
      const found = await new Promise<readonly number[]>((resolve) => {
        void database.transaction(async (tx) => {
          await insert(database, tx, 1, 1)
          tx.afterCommit(() => resolve(ids(database)))
        })
      })
      assert.deepEqual(found, [1])
    })

    check('a body runs in the context of its caller', async (database) => {
      const seen = await Promise.all(
        ['a', 'b', 'c'].map((correlationId) =>
          withContext({ correlationId }, () => database.transaction(async () => currentContext()?.correlationId)),
        ),
      )
      assert.deepEqual(seen, ['a', 'b', 'c'])
    })

    check('atomically does all or nothing, and counts rows', async (database) => {
      const add = (id: number, n: number) => ({
        sql: `INSERT INTO item (id, n) VALUES (${parameter(database, 1)}, ${parameter(database, 2)})`,
        params: [id, n],
      })
      assert.deepEqual(await database.atomically([add(1, 1), add(2, 2), { sql: 'UPDATE item SET n = n + 1' }]), [
        { rowCount: 1 },
        { rowCount: 1 },
        { rowCount: 2 },
      ])
      await assert.rejects(database.atomically([add(3, 3), add(1, 1)]))
      assert.deepEqual(await ids(database), [1, 2])
      assert.deepEqual(await database.atomically([]), [])
    })

    check('rowCount is that of the statement', async (database) => {
      await database.transaction(async (tx) => {
        assert.equal((await insert(database, tx, 1, 1)).rowCount, 1)
        assert.equal((await tx.execute({ sql: 'UPDATE item SET n = 5 WHERE id = 99' })).rowCount, 0)
        assert.equal((await insert(database, tx, 2, 1)).rowCount, 1)
        assert.equal((await tx.execute({ sql: 'CREATE TABLE other (id INTEGER PRIMARY KEY)' })).rowCount, 0)
        assert.equal((await tx.execute({ sql: 'DELETE FROM item' })).rowCount, 2)
      })
    })

    check('a broken constraint is a typed error, and had no effect', async (database) => {
      await database.transaction((tx) => insert(database, tx, 1, 1))
      for (const [id, n] of [
        [1, 1],
        [2, -1],
        [3, null],
      ] as const) {
        await assert.rejects(
          database.transaction((tx) => insert(database, tx, id, n)),
          (error) =>
            error instanceof SeaworthyError && error.code === 'constraint' && error.executed === 'no' && error.cause instanceof Error,
        )
      }
      assert.deepEqual(await ids(database), [1])
    })

    check('values come back as they went in', async (database) => {
      const blob = database.dialect === 'sqlite' ? 'BLOB' : 'BYTEA'
      const real = database.dialect === 'sqlite' ? 'REAL' : 'DOUBLE PRECISION'
      const whole = database.dialect === 'sqlite' ? 'INTEGER' : 'BIGINT'
      await database.transaction(async (tx) => {
        await tx.execute({ sql: `CREATE TABLE kept (a TEXT, b TEXT, c ${real}, d ${whole}, e ${blob}, f TEXT)` })
        const values: SqlValue[] = [
          "'; DROP TABLE kept; --",
          'Ærøskøbing 🚢',
          0.1,
          Number.MAX_SAFE_INTEGER,
          new Uint8Array([0, 255, 7]),
          null,
        ]
        await tx.execute({
          sql: `INSERT INTO kept VALUES (${values.map((_, index) => parameter(database, index + 1)).join(', ')})`,
          params: values,
        })
      })
      const [row] = await database.query<Record<string, unknown>>({ sql: 'SELECT * FROM kept' })
      assert.deepEqual(Object.keys(row!), ['a', 'b', 'c', 'd', 'e', 'f'])
      assert.equal(row!['a'], "'; DROP TABLE kept; --")
      assert.equal(row!['b'], 'Ærøskøbing 🚢')
      assert.equal(row!['c'], 0.1)
      assert.equal(Number(row!['d']), Number.MAX_SAFE_INTEGER)
      assert.deepEqual([...(row!['e'] as Uint8Array)], [0, 255, 7])
      assert.equal(row!['f'], null)
    })

    check('a mistake in the SQL is refused and leaves the database usable', async (database) => {
      await assert.rejects(database.query({ sql: 'SELEKT 1' }), (error) => executedOf(error) === 'no')
      await assert.rejects(database.transaction((tx) => tx.execute({ sql: 'INSERT INTO nowhere VALUES (1)' })))
      await database.transaction((tx) => insert(database, tx, 1, 1))
      assert.deepEqual(await ids(database), [1])
    })

    check('query writes nothing', async (database) => {
      await assert.rejects(database.query({ sql: 'INSERT INTO item (id, n) VALUES (1, 1)' }), SeaworthyError)
      assert.deepEqual(await ids(database), [])
    })

    check('close finishes what was begun, then refuses', async (database, under) => {
      const gate = Promise.withResolvers<void>()
      const running = database.transaction(async (tx) => {
        await gate.promise
        await insert(database, tx, 1, 1)
        return 'done'
      })
      const closing = database.close()
      const late = database.transaction(async () => assert.fail('ran'))
      await assert.rejects(late, (error) => error instanceof SeaworthyError && error.executed === 'no')
      gate.resolve()
      assert.equal(await running, 'done')
      await closing
      await database.close()
      await assert.rejects(database.query({ sql: 'SELECT 1 AS one' }), SeaworthyError)
      if (under.crash !== undefined) assert.deepEqual(await withDatabase(under.crash, ids), [1])
    })

    check('what was acknowledged is there after a crash, and nothing of what was not', async (database, under) => {
      if (under.crash === undefined) return
      await Promise.all([1, 2, 3].map((id) => database.transaction((tx) => insert(database, tx, id, id))))
      const { crash } = under
      await database.transaction(async (tx) => {
        await insert(database, tx, 4, 4)
        assert.deepEqual(await withDatabase(crash, ids), [1, 2, 3])
      })
      assert.deepEqual(await withDatabase(crash, ids), [1, 2, 3, 4])
    })
  })
}

/** The n-th parameter in the engine's dialect. */
function parameter(database: Database, index: number): string {
  return database.dialect === 'sqlite' ? `?${index}` : `$${index}`
}

function insert(database: Database, tx: Transaction, id: number, n: number | null) {
  return tx.execute({ sql: `INSERT INTO item (id, n) VALUES (${parameter(database, 1)}, ${parameter(database, 2)})`, params: [id, n] })
}

async function ids(database: Database): Promise<readonly number[]> {
  const rows = await database.query<{ id: number }>({ sql: 'SELECT id FROM item ORDER BY id' })
  return rows.map(({ id }) => id)
}

async function withDatabase<T>(open: () => Promise<Database>, use: (database: Database) => Promise<T>): Promise<T> {
  const database = await open()
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}
