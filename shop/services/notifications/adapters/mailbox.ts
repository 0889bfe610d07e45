import { mkdirSync } from 'node:fs'
import { access, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailbox } from '../application/ports.ts'

/** A folder of .eml files, one for each job. */
export function folderMailbox(directory: string): Mailbox {
  mkdirSync(directory, { recursive: true })
  const pathOf = (jobId: string) => join(directory, `${jobId.replaceAll(/[^\w-]/g, '_')}.eml`)
  return {
    async remove(jobId) {
      const path = pathOf(jobId)
      await Promise.all([path, unfinishedOf(path)].map((file) => rm(file, { force: true })))
      await syncFolder(directory)
    },
    async deliver(jobId, eml) {
      const path = pathOf(jobId)
      if (await exists(path)) return
      // A reader sees the whole letter or none; what is acknowledged afterwards is on the disk, name included.
      const unfinished = unfinishedOf(path)
      await writeDurably(unfinished, eml)
      await rename(unfinished, path)
      await syncFolder(directory)
    },
  }
}

function unfinishedOf(path: string): string {
  return `${path}.unfinished`
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
