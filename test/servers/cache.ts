import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Makes a folder once for all tests of this user, and answers where it is.
 * @param make gets an empty folder, and answers the one in it that is to be kept
 */
export async function cached(name: string, make: (building: string) => Promise<string>): Promise<string> {
  const cache =
    process.env['SEAWORTHY_SERVERS_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'seaworthy/servers')
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const building = mkdtempSync(join(cache, `${name}-`))
  try {
    renameSync(await make(building), folder)
  } catch (error) {
    // Another test process made it meanwhile.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
  return folder
}
