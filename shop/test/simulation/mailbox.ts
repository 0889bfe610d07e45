import type { NodePorts, SharedEngine } from '@seaworthy/simulation'
import type { Mailbox } from '../../services/notifications/application/ports.ts'

/** The folder of letters, as it lies on the disk: it survives the process. */
export class StoredMail implements SharedEngine {
  /** A folder does nothing by itself. */
  readonly busy = false
  readonly letters = new Map<string, string>()
}

export const MAILBOX = 'mailbox'

/** In place of the folder of files: a letter lies under its job's id, whole, and storing it again changes nothing. The process may die before and after. */
export function simulatedMailbox({ shared, process }: NodePorts): Mailbox {
  const stored = shared(MAILBOX, () => new StoredMail())
  return {
    async deliver(jobId, eml) {
      process.point('mailbox:deliver:before', ['crash'])
      if (!process.alive) return process.never()
      if (!stored.letters.has(jobId)) stored.letters.set(jobId, eml)
      process.point('mailbox:deliver:after', ['crash'])
      return process.alive ? undefined : process.never()
    },
    async remove(jobId) {
      stored.letters.delete(jobId)
    },
  }
}
