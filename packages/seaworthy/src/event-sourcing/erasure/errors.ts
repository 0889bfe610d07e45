import { SeaworthyError } from 'seaworthy/core'

/** An event says something about somebody who was forgotten. Nothing was stored. */
export class SubjectForgottenError extends SeaworthyError {
  readonly subject: string

  constructor(subject: string, event: { stream: string; type: string }) {
    super(
      'subject-forgotten',
      `Event ${event.type} for stream ${event.stream} has personal fields of ${subject}, who was forgotten. Leave them out, or use a new subject for a person who came back.`,
      { executed: 'no', final: true },
    )
    this.subject = subject
  }
}

/**
 * A personal field cannot be decrypted although its subject was not forgotten: the key is missing, or the field was changed or moved. The stream refuses to
 * load, because a placeholder would pass a damaged key store for an erasure.
 */
export class UnreadableFieldError extends SeaworthyError {
  readonly subject: string
  readonly stream: string
  readonly position: number
  readonly field: string

  constructor(
    subject: string,
    event: { stream: string; version: number; position: number; type: string },
    field: string,
    why: { kind: 'no-key' } | { kind: 'damaged'; cause: unknown },
  ) {
    super(
      'unreadable-field',
      `Field ${field} of event ${event.type} at version ${event.version} of stream ${event.stream}, position ${event.position}, cannot be decrypted: ` +
        (why.kind === 'no-key'
          ? `there is no key of ${subject}. Restore the keys that belong to these events.`
          : `it does not match the key of ${subject}. It was changed, or the keys are from another time: restore both from one backup.`),
      { executed: 'no', ...(why.kind === 'damaged' && { cause: why.cause }) },
    )
    this.subject = subject
    this.stream = event.stream
    this.position = event.position
    this.field = field
  }
}
