import { ConflictError, NotFoundError, SeaworthyError } from 'seaworthy/core'
import type { ExpectedVersion } from './event-store.ts'

/** Somebody appended to the stream since it was read. Nothing was stored: load it again, decide again. */
export class WrongExpectedVersionError extends ConflictError {
  readonly stream: string
  readonly expected: ExpectedVersion
  /** The stream's version now; 0 when it has no events. */
  readonly actual: number

  constructor(stream: string, versions: { expected: ExpectedVersion; actual: number }, options: { cause?: unknown } = {}) {
    const expected = versions.expected === 'no-stream' ? 'no stream' : `version ${versions.expected}`
    const actual = versions.actual === 0 ? 'it does not exist' : `it is at version ${versions.actual}`
    super(`Stream ${stream} was expected to be ${expected}, but ${actual}. Load it again and decide again.`, options)
    this.stream = stream
    this.expected = versions.expected
    this.actual = versions.actual
  }
}

/** The stream is archived, and takes no more events. Nothing was stored. */
export class StreamArchivedError extends SeaworthyError {
  readonly stream: string
  readonly archivedAtMs: number

  constructor(stream: string, archivedAtMs: number) {
    super(
      'stream-archived',
      `Stream ${stream} was archived at ${new Date(archivedAtMs).toISOString()} and takes no events. Restore it if it shall go on, or begin a new stream.`,
      { executed: 'no', final: true },
    )
    this.stream = stream
    this.archivedAtMs = archivedAtMs
  }
}

/** Why a stream that does not exist cannot be archived. */
export function noStreamToArchive(stream: string): NotFoundError {
  return new NotFoundError(`Stream ${stream} has no events, so there is nothing to archive. Look at its name.`)
}

/**
 * A stream holds an event that this code does not know: of an undeclared type, or of a shape newer than the code. The stream refuses to load,
 * because a state with a hole in it would be written on. Not final: an instance with newer code may know it.
 */
export class UnknownEventError extends SeaworthyError {
  readonly stream: string
  readonly position: number
  readonly eventType: string
  readonly schemaVersion: number

  constructor(event: { stream: string; version: number; position: number; type: string; schemaVersion: number }, why: string) {
    super(
      'unknown-event',
      `Event ${event.type} (shape ${event.schemaVersion}) at version ${event.version} of stream ${event.stream}, position ${event.position}, ${why}. Deploy code that knows it, or add an upcaster; nothing was written.`,
      { executed: 'no' },
    )
    this.stream = event.stream
    this.position = event.position
    this.eventType = event.type
    this.schemaVersion = event.schemaVersion
  }
}
