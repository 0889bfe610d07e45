import type { EventLog, LogReader } from './event-log.ts'

export interface ReplayOptions {
  readonly log: EventLog
  readonly group: string
  /** All topics of the group, as its consumer names them. */
  readonly topics: readonly string[]
  readonly to: Parameters<LogReader['seek']>[0]
}

/**
 * Moves a consumer group to where it shall read again from. Stop its consumers before, and start them afterwards with a higher
 * `generation`, on the consumer and on its inbox: without it the inbox takes what comes again for duplicates, as it should.
 */
export async function replay(options: ReplayOptions): Promise<void> {
  const reader = await options.log.reader({ topics: options.topics, group: options.group })
  try {
    await reader.seek(options.to)
  } finally {
    await reader.close()
  }
}
