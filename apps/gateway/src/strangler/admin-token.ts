import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { ConfigurationError } from 'seaworthy/core'

/** Reads the token of the admin API, and makes one, for the file's owner alone, where there is none. @throws ConfigurationError */
export async function readToken(path: string): Promise<string> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString('base64url')}\n`)
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new ConfigurationError(`The token file ${path} can be neither read nor made: ${String(error)}`, { cause: error })
  }
  const token = (await readFile(path, 'utf8')).trim()
  if (!/^[\x21-\x7e]{16,512}$/.test(token))
    throw new ConfigurationError(`The token in ${path} must be 16 to 512 visible ASCII characters. Remove the file, and a new one is made.`)
  return token
}
