import { writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteDatabase, openSqliteEventLog } from 'seaworthy/sqlite'

/**
 * What the process tests start. Reports one line at a time on its standard output; the parent kills it when it has seen enough, and it ends by itself
 * when the parent is gone.
 */
const [role = '', path = '', ...rest] = process.argv.slice(2)
process.on('disconnect', () => process.exit(1))
// Written before it returns: process.stdout would keep lines back when the parent is slow to read, and they would die with this process.
const say = (line: string) => writeSync(1, `${line}\n`)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

switch (role) {
  // Commits from several callers at once, and names each row after its commit was acknowledged.
  case 'write': {
    const database = await openSqliteDatabase({ path })
    await database.atomically([{ sql: 'CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, half INTEGER)' }])
    say('ready')
    let next = 0
    const caller = async () => {
      for (;;) {
        const id = next++
        await database.transaction(async (tx) => {
          await tx.execute({ sql: 'INSERT INTO item (id, half) VALUES (?, 1)', params: [id] })
          if (id % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
          await tx.execute({ sql: 'UPDATE item SET half = 2 WHERE id = ?', params: [id] })
        })
        say(String(id))
      }
    }
    await Promise.all(Array.from({ length: 8 }, caller))
    break
  }
  // Owns the file and does nothing.
  case 'own':
    await openSqliteDatabase({ path })
    say('ready')
    await sleep(600_000)
    break
  // Holds the write lock as a foreign tool would, whoever owns the file.
  case 'hold': {
    const foreign = new DatabaseSync(path)
    foreign.exec('BEGIN IMMEDIATE')
    say('ready')
    await sleep(600_000)
    foreign.close()
    break
  }
  // Tries to own a file that has an owner.
  case 'try': {
    const outcome = await openSqliteDatabase({ path, ownershipWaitMs: Number(rest[0]) }).then(
      () => ({ code: 'opened', message: '' }),
      (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
    )
    say(JSON.stringify(outcome))
    process.exit(0)
  }
  // Reads a topic of another process, and names what it got with the time.
  case 'consume': {
    const log = await openSqliteEventLog({ directory: path })
    const reader = await log.reader({ topics: ['orders'], group: 'consumer' })
    say('ready')
    for (;;) {
      const records = await reader.poll({ max: 100, waitMs: 60_000 })
      for (const record of records) say(JSON.stringify({ id: record.event.id, atMs: performance.timeOrigin + performance.now() }))
      await reader.commit(records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })))
    }
  }
  // Appends to the topic that it owns.
  case 'publish': {
    const log = await openSqliteEventLog({ directory: path, owns: ['orders'] })
    say('ready')
    for (let index = 0; ; index++) {
      await log.append('orders', [
        {
          id: `e${index}`,
          type: 'order.placed',
          version: 1,
          source: 'orders',
          key: `key ${index % 10}`,
          sequence: 0,
          time: '2026-01-01T00:00:00.000Z',
          correlationId: 'c',
          data: {},
        },
      ])
      say(`e${index}`)
      if (rest[0] !== undefined) await sleep(Number(rest[0]))
    }
  }
  default:
    throw new Error(`There is no role ${role}.`)
}
