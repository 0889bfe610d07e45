import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteQueue } from 'seaworthy/sqlite'
import { VirtualClock, queueContract } from '@seaworthy/testing'
import { copyAsAfterCrash, temporaryFolder } from './folder.ts'

queueContract('SQLite', async () => {
  const folder = temporaryFolder()
  const copies: string[] = []
  const clock = new VirtualClock()
  const open = (directory: string) =>
    openSqliteQueue({ path: join(directory, 'queue.db'), deliveryLimit: 3, dedupeWindowMs: 60_000, clock })
  const queue = await open(folder.path)
  return {
    queue,
    pass: (ms) => clock.advance(ms),
    crash: () => {
      const copy = copyAsAfterCrash(folder.path)
      copies.push(copy)
      return open(copy)
    },
    dispose: async () => {
      await queue.close()
      folder.remove()
      for (const copy of copies) rmSync(copy, { recursive: true, force: true })
    },
  }
})
