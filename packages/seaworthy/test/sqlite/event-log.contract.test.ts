import { rmSync } from 'node:fs'
import { systemClock } from 'seaworthy/core'
import { openSqliteEventLog } from 'seaworthy/sqlite'
import { eventLogContract } from '@seaworthy/testing'
import { copyAsAfterCrash, temporaryFolder } from './folder.ts'

eventLogContract('SQLite', async () => {
  const folder = temporaryFolder()
  const copies: string[] = []
  const open = (directory: string) => openSqliteEventLog({ directory, owns: ['alpha', 'beta'], ownershipWaitMs: 50 })
  const log = await open(folder.path)
  return {
    log,
    // Real time: the bell rings in it.
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    nowMs: () => systemClock.now(),
    crash: () => {
      const copy = copyAsAfterCrash(folder.path)
      copies.push(copy)
      return open(copy)
    },
    dispose: async () => {
      await log.close()
      folder.remove()
      for (const copy of copies) rmSync(copy, { recursive: true, force: true })
    },
  }
})
