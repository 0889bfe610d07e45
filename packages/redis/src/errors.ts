import { type Executed, SeaworthyError, UnavailableError } from 'seaworthy/core'
import { ClientClosedError, ClientOfflineError, ErrorReply } from 'redis'

/** Redis refused a command, or its answer did not come. `executed` says what is known of a write. */
export class RedisError extends SeaworthyError {
  constructor(message: string, options: { executed: Executed; cause: unknown }) {
    super('redis', message, options)
  }
}

/** What the client threw, as one of ours. */
export function redisFailure(error: unknown, what: 'reading' | 'writing'): SeaworthyError {
  if (error instanceof SeaworthyError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ClientClosedError || error instanceof ClientOfflineError) {
    return new UnavailableError(`Redis cannot be reached: ${message}. Is it up?`, { cause: error })
  }
  // A script that was refused did nothing: it is refused before its first command.
  const executed = what === 'reading' || error instanceof ErrorReply ? 'no' : 'maybe'
  return new RedisError(`Redis failed in ${what}: ${message}. Look at the server and its log.`, { executed, cause: error })
}
