import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ConfigurationError, SeaworthyError } from 'seaworthy/core'

/**
 * The exports of a module that the command line names.
 * @param what what it is to export, as in `the system`: for the message
 * @throws ConfigurationError when there is no such file, or it cannot be loaded; what the module itself throws, if that is a SeaworthyError
 */
export async function loadModule(file: string, what: string): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(file)) throw new ConfigurationError(`There is no file ${file}. Name the module that exports ${what}.`)
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (cause) {
    if (cause instanceof SeaworthyError) throw cause
    throw new ConfigurationError(
      `${file} cannot be loaded: ${reasonOf(cause)} Name a JavaScript or TypeScript module that exports ${what}.`,
      { cause },
    )
  }
}

/** What it says, and where: the first place in a file that is not this one. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${String(cause)}.`
  const [said = ''] = cause.message.split('\n')
  const places = (cause.stack ?? '').match(/file:\/\/[^\s()]+?:\d+/g) ?? []
  const place = places.find((each) => !each.startsWith(import.meta.url))
  return `${cause.name}: ${said.replace(/[.!]$/, '')}${place === undefined ? '' : ` (${fileURLToPath(place)})`}.`
}
