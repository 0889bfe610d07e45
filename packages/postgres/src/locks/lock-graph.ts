/** A session of the server, or a prepared transaction (pid 0), as one look at the locks found it. */
export interface LockSession {
  readonly pid: number
  /** Whom it waits for: those who have the lock, and those who asked for it earlier. Empty when it waits for nobody. */
  readonly blockers: readonly number[]
  /** How long it had waited, in milliseconds; undefined when it does not wait. */
  readonly waitedMs: number | undefined
  /** Tells one wait of a session from its next: when it began, as the server writes it. */
  readonly waitingSince: string | undefined
  /** The session's `application_name`, or what kind of process it is where it has none. */
  readonly application: string | undefined
  /** As in `pg_stat_activity`; undefined where this role may not see it. */
  readonly state: string | undefined
  readonly statement: string | undefined
  /** How long its transaction has waited for its client's next statement, in milliseconds. */
  readonly idleMs: number | undefined
  /** How long its transaction has been open, in milliseconds. */
  readonly transactionMs: number | undefined
}

/** Who waits for whom at one moment, by process id. */
export type LockGraph = ReadonlyMap<number, LockSession>

/** The way from a waiting session to the one that has to move first. */
export interface RootPath {
  /** `holder`: it waits for nobody. `circle`: nobody at this end can move, until the server ends one of them. */
  readonly kind: 'holder' | 'circle'
  /** The process ids from the first blocker to the root. */
  readonly chain: readonly number[]
  readonly pid: number
}

/**
 * Follows the waits from `waiter` to the session that waits for nobody. Of several, all of which have to end, that is the one named before if it is still among
 * them, else the one whose transaction is oldest: who is named does not change from look to look. Undefined when the waiter waits for nobody any more.
 */
export function rootOf(graph: LockGraph, waiter: number, namedBefore?: number): RootPath | undefined {
  const from = new Map<number, number>()
  const queue = [waiter]
  const roots: number[] = []
  for (const pid of queue) {
    const blockers = graph.get(pid)?.blockers ?? []
    if (blockers.length === 0 && pid !== waiter) roots.push(pid)
    for (const blocker of blockers) {
      if (blocker === waiter || from.has(blocker)) continue
      from.set(blocker, pid)
      queue.push(blocker)
    }
  }
  if (queue.length === 1) return undefined
  const chainTo = (pid: number): readonly number[] => {
    const chain = [pid]
    for (let before = from.get(pid)!; before !== waiter; before = from.get(before)!) chain.unshift(before)
    return chain
  }
  if (roots.length > 0) {
    const pid = namedBefore !== undefined && roots.includes(namedBefore) ? namedBefore : oldest(graph, roots)
    return { kind: 'holder', chain: chainTo(pid), pid }
  }
  // Without a root all ways end in circles. The nearest session that waits for itself: in a circle with the waiter, its own blocker.
  const pid = queue.slice(1).find((each) => reaches(graph, each)) ?? queue[1]!
  return { kind: 'circle', chain: chainTo(pid), pid }
}

/** A prepared transaction is older than all: nobody's code will end it soon. */
function oldest(graph: LockGraph, roots: readonly number[]): number {
  const age = (pid: number) => (pid === 0 ? Number.POSITIVE_INFINITY : (graph.get(pid)?.transactionMs ?? -1))
  return roots.reduce((one, other) => (age(other) > age(one) ? other : one))
}

/** Whether the waits that begin at a session come back to it. */
function reaches(graph: LockGraph, start: number): boolean {
  const seen = new Set<number>()
  const stack = [start]
  for (let pid = stack.pop(); pid !== undefined; pid = stack.pop()) {
    for (const blocker of graph.get(pid)?.blockers ?? []) {
      if (blocker === start) return true
      if (seen.has(blocker)) continue
      seen.add(blocker)
      stack.push(blocker)
    }
  }
  return false
}
