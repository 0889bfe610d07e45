import { spawnSync } from 'node:child_process'

const SEARCH = `
  const { readdirSync, readFileSync } = require('node:fs')
  const [folder, hex] = process.argv.slice(1)
  const bytes = Buffer.from(hex, 'hex')
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = entry.parentPath + '/' + entry.name
    try {
      if (readFileSync(path).includes(bytes)) console.log(path)
    } catch (error) {
      // A running server removes files while this looks.
      if (error.code !== 'ENOENT') throw error
    }
  }`

/**
 * The files in a folder, and in those in it, that hold these bytes. By a process of its own: opening and closing a database's file here would drop the locks
 * that SQLite holds on it.
 */
export function filesWith(folder: string, bytes: Uint8Array): readonly string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', SEARCH, folder, Buffer.from(bytes).toString('hex')], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`The search failed: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}
