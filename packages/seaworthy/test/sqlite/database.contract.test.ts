import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type SqliteDatabase, openSqliteDatabase } from 'seaworthy/sqlite'
import { databaseContract } from '@seaworthy/testing'
import { copyAsAfterCrash, temporaryFolder } from './folder.ts'

databaseContract('SQLite', async () => {
  const folder = temporaryFolder()
  const copies: string[] = []
  const database: SqliteDatabase = await openSqliteDatabase({ path: join(folder.path, 'test.db') })
  return {
    database,
    crash: () => {
      const copy = copyAsAfterCrash(folder.path)
      copies.push(copy)
      return openSqliteDatabase({ path: join(copy, 'test.db') })
    },
    dispose: async () => {
      await database.close()
      folder.remove()
      for (const copy of copies) rmSync(copy, { recursive: true, force: true })
    },
  }
})
