import { openSync, writeSync } from 'node:fs'
import { openSqliteDatabase } from 'seaworthy/sqlite'

/**
 * Commits from several callers at once, until it is killed, and writes the id of each row into a file on another disk once its commit was
 * acknowledged: whatever stands there was promised to somebody.
 */
const [path = '', acknowledgedFile = '', durability = ''] = process.argv.slice(2)
process.on('disconnect', () => process.exit(1))
if (durability !== 'power-loss' && durability !== 'process-crash') throw new TypeError(`There is no durability ${durability}.`)

const CALLERS = 8
// The table is to survive in any case: what is looked for afterwards are the rows.
const preparing = await openSqliteDatabase({ path, durability: 'power-loss' })
await preparing.atomically([{ sql: 'CREATE TABLE item (id INTEGER PRIMARY KEY, half INTEGER)' }])
await preparing.close()

const database = await openSqliteDatabase({ path, durability })
const acknowledged = openSync(acknowledgedFile, 'a')
let next = 0
const caller = async () => {
  for (;;) {
    const id = next++
    await database.transaction(async (tx) => {
      await tx.execute({ sql: 'INSERT INTO item (id, half) VALUES (?, 1)', params: [id] })
      await tx.execute({ sql: 'UPDATE item SET half = 2 WHERE id = ?', params: [id] })
    })
    writeSync(acknowledged, `${id}\n`)
  }
}
await Promise.all(Array.from({ length: CALLERS }, caller))
