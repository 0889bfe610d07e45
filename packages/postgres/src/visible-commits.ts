import { type Clock, sleep } from 'seaworthy/core'

export interface VisibleCommitsOptions {
  /** What the server shows to a statement that begins now: `pg_current_snapshot()` as text. */
  readonly snapshot: () => Promise<string>
  /** Called for each topic once a statement that begins now sees what was committed to it; more often, if in doubt. */
  readonly onVisible: (topic: string) => void
  readonly clock: Clock
}

interface Commit {
  readonly xid: number
  readonly topics: ReadonlySet<string>
}

const PAUSE_MIN_MS = 1
const PAUSE_MAX_MS = 100

/**
 * Holds commits back until they can be seen. Replication brings a commit once it is in the server's log. The server shows it a moment later, or much later where it waits for
 * a synchronous standby; who reads in between reads in vain.
 *
 * Asks for one snapshot at a time, so that however many commits come meanwhile share the next. As many wait here as the server has sessions.
 */
export class VisibleCommits {
  readonly #options: VisibleCommitsOptions
  readonly #stopping = new AbortController()
  #waiting: Commit[] = []
  #watching = false

  constructor(options: VisibleCommitsOptions) {
    this.#options = options
  }

  /** @param xid of the transaction, its lower 32 bits, as replication tells it */
  add(xid: number, topics: ReadonlySet<string>): void {
    if (topics.size === 0 || this.#stopping.signal.aborted) return
    this.#waiting.push({ xid, topics })
    if (!this.#watching) void this.#watch()
  }

  /** Tells of what waits, seen or not: nobody will look after it any more. */
  stop(): void {
    this.#stopping.abort()
    this.#tellWhere(() => true)
  }

  async #watch(): Promise<void> {
    this.#watching = true
    let pauseMs = PAUSE_MIN_MS
    while (this.#waiting.length > 0) {
      const asked = new Set(this.#waiting)
      const isVisible = await this.#options.snapshot().then(
        visibility,
        // Whoever is woken meets the same failure, and has its own way to deal with it.
        () => () => true,
      )
      // Those that came after the question may be newer than the answer.
      this.#tellWhere((commit) => asked.has(commit) && isVisible(commit.xid))
      const isLate = this.#waiting.some((commit) => asked.has(commit))
      pauseMs = isLate ? Math.min(pauseMs * 2, PAUSE_MAX_MS) : PAUSE_MIN_MS
      if (isLate) await sleep(this.#options.clock, pauseMs, this.#stopping.signal).catch(() => undefined)
    }
    this.#watching = false
  }

  #tellWhere(isOver: (commit: Commit) => boolean): void {
    const over = new Set(this.#waiting.filter((commit) => isOver(commit)))
    this.#waiting = this.#waiting.filter((commit) => !over.has(commit))
    for (const topic of new Set([...over].flatMap(({ topics }) => [...topics]))) this.#options.onVisible(topic)
  }
}

/** @param snapshot `xmin:xmax:xip,…` with 64-bit numbers: everything before xmin has ended, nothing from xmax on, and of those in between not those of the list */
export function visibility(snapshot: string): (xid: number) => boolean {
  const [xmin = '', xmax = '', list = ''] = snapshot.split(':')
  const lower = (xid: string) => Number(BigInt.asUintN(32, BigInt(xid)))
  const [first, end] = [lower(xmin), lower(xmax)]
  const running = new Set(list === '' ? [] : list.split(',').map((xid) => lower(xid)))
  // Of two 32-bit numbers that wrap around, the earlier is the one from which the other lies less than half a turn ahead.
  const isBefore = (one: number, other: number) => ((one - other) | 0) < 0
  return (xid) => isBefore(xid, first) || (isBefore(xid, end) && !running.has(xid))
}
