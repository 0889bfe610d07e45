import { mkdirSync } from 'node:fs'
import { access, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailbox } from '../application/ports.ts'

/** A folder of .eml files, one for each job. */
export function folderMailbox(directory: string): Mailbox {
  mkdirSync(directory, { recursive: true })
  return {
    async deliver(jobId, eml) {
      const path = join(directory, `${jobId.replaceAll(/[^\w-]/g, '_')}.eml`)
      if (await exists(path)) return
      // A reader sees the whole letter or none; what is acknowledged afterwards is on the disk, name included.
      const unfinished = `${path}.unfinished`
      await writeDurably(unfinished, eml)
      await rename(unfinished, path)
      await syncFolder(directory)
    },
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
