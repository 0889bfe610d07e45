import { DeadlockError } from '../errors.ts'

// Process 4711 waits for ShareLock on transaction 742; blocked by process 4712.
const WAIT = /(\d+)[^\d]+[^;\n]*;[^\d\n]*(\d+)/g

/** The processes that an error names as the others of a deadlock, each once; none for other errors. The words are the server's own language, the numbers are not. */
export function deadlockPartners(error: unknown, ownPid: number): readonly number[] {
  const deadlock = deadlockIn(error)
  if (deadlock === undefined || !('detail' in deadlock) || typeof deadlock.detail !== 'string') return []
  const pids = new Set([...deadlock.detail.matchAll(WAIT)].map((found) => Number(found[2])))
  pids.delete(ownPid)
  return [...pids]
}

/** What the server said, behind the errors that were made of it. */
function deadlockIn(error: unknown): Error | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    if (each instanceof DeadlockError) return each.cause instanceof Error ? each.cause : undefined
  }
  return undefined
}
