import { type Clock, type Database, systemClock } from 'seaworthy/core'
import { type Clean, type Erasure, type SubjectHolder, placesOf } from './erasure.ts'

/**
 * Forgets people where they are in rows alone: what the holders erase goes in one transaction, and then what it left in files and logs. The counterpart of
 * `erasure` for a service that keeps no events. Its report knows no key.
 */
export function rowErasure(options: {
  readonly database: Pick<Database, 'transaction'>
  readonly holders: readonly SubjectHolder[]
  readonly clean?: Clean
  readonly clock?: Clock
}): Erasure {
  const { database, holders, clean, clock = systemClock } = options
  const report: Erasure['report'] = async (subject) => ({ subject, key: 'unknown', places: await placesOf(holders, subject) })
  return {
    report,
    async forget(subject) {
      const atMs = clock.now()
      await database.transaction(async (tx) => {
        for (const { erase } of holders) await erase?.(tx, subject)
      })
      return { atMs, remains: (await clean?.()) ?? [], report: await report(subject) }
    },
  }
}
