import { SeaworthyError } from 'seaworthy/core'

/** Runs a command to its end and sets the exit code: what `main` says, 1 when it fails, 2 for arguments that cannot be read, which are answered with the usage. */
export async function runCommand(usage: string, main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (isAboutArguments(error)) {
      console.error(`${error.message}\n\n${usage}`)
      process.exitCode = 2
      return
    }
    // What we throw says what to do next; anything else needs its stack.
    console.error(error instanceof SeaworthyError ? error.message : error)
    process.exitCode = 1
  }
}

/** What `parseArgs` throws. */
function isAboutArguments(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
