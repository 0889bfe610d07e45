import { SeaworthyError } from 'seaworthy/core'

/** What an error is called where it is counted and shown: the library's code where there is one, because classes are renamed by bundlers and codes are not. */
export function errorName(error: unknown): string {
  if (error instanceof SeaworthyError) return error.code
  return error instanceof Error ? error.name : typeof error
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
