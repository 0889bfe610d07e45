import type { Clock } from 'seaworthy/core'
import { type LockGraph, type LockSession, type RootPath, rootOf } from './lock-graph.ts'
import type { LockLook } from './lock-probe.ts'
import type { TraceReference } from './trace-marker.ts'

/** Who held what a session waited for. */
export interface Blocker {
  readonly path: RootPath
  /** Undefined where the server knew nothing of it any more. */
  readonly session: LockSession | undefined
  /** Whose work it was; undefined where that is not known. */
  readonly reference: TraceReference | undefined
}

/** Says whose work a session did when it was looked at. */
export type NameHolder = (pid: number, session: LockSession | undefined) => TraceReference | undefined

/** One wait of a statement for a lock, on the monotonic clock. */
interface LockWait {
  /** As the server writes its beginning; empty while it has not written it. */
  id: string
  readonly sinceMs: number
  /** Until when it is known to have lasted. */
  untilMs: number
}

export interface LongestStatement {
  readonly sql: string
  readonly ms: number
}

/** How long one session waited behind one root. */
interface Blame {
  blocker: Blocker
  ms: number
}

// A wait is looked at again after a tenth of what it has lasted, so that its end is known as well; within these bounds.
const AGAIN_SHARE = 0.1
const AGAIN_MS_MIN = 50
const AGAIN_MS_MAX = 1_000
// One who loses the way through many roots keeps the first ones.
const BLAMES_MAX = 100

/**
 * Where the time of the statements of one piece of work goes: on the wire, and of that waiting for locks. Told by the connection of what is sent and answered, and by
 * looks at the server's locks of what happens in between.
 */
export class SessionTimes {
  /** Of the server's process. */
  readonly pid: number
  readonly #clock: Clock
  readonly #onBusy: (times: SessionTimes) => void
  readonly #onAnswer: (times: SessionTimes) => void
  readonly #nameHolder: NameHolder
  readonly #blames = new Map<string, Blame>()
  #unanswered = 0
  #busySinceMs = 0
  #busyMs = 0
  #statementSinceMs = 0
  #answers = 0
  #waitedMs = 0
  #open: LockWait | undefined
  #current: Blame | undefined
  #graph: LockGraph | undefined
  #longest: LongestStatement | undefined
  #isKnown = true
  /** When to look at its locks next, on the monotonic clock, and after which interval. For the watch. */
  nextLookMs = 0
  lookIntervalMs = 0

  constructor(options: {
    readonly pid: number
    readonly clock: Clock
    readonly nameHolder: NameHolder
    /** A statement begins to be out. */
    readonly onBusy: (times: SessionTimes) => void
    /** One was answered; others may be out. */
    readonly onAnswer: (times: SessionTimes) => void
  }) {
    this.pid = options.pid
    this.#clock = options.clock
    this.#nameHolder = options.nameHolder
    this.#onBusy = options.onBusy
    this.#onAnswer = options.onAnswer
  }

  /** Whether a statement is out. */
  get busy(): boolean {
    return this.#unanswered > 0
  }

  /** Since when the statement has been out that the server works on. */
  get statementSinceMs(): number {
    return this.#statementSinceMs
  }

  /** Counts what was answered, so that a look can tell whether it still is about the same statement. */
  get answers(): number {
    return this.#answers
  }

  /** Waits for locks, as far as they were seen: below the time after which the locks are looked at none is. Undefined when the server did not let itself be asked. */
  get lockWaitMs(): number | undefined {
    return this.#isKnown ? this.#waitedMs : undefined
  }

  /** Statements at work on the server or on their way, without waits for locks. */
  get executeMs(): number {
    return Math.max(0, this.#busyMs - this.#waitedMs)
  }

  /** Behind whom it waited longest. */
  get blocker(): Blocker | undefined {
    let longest: Blame | undefined
    for (const blame of this.#blames.values()) if (longest === undefined || blame.ms > longest.ms) longest = blame
    return longest?.blocker
  }

  /** The last look that found it waiting. */
  get lastGraph(): LockGraph | undefined {
    return this.#graph
  }

  /** The statement that was out longest. */
  get longest(): LongestStatement | undefined {
    return this.#longest
  }

  sent(): void {
    if (++this.#unanswered > 1) return
    this.#busySinceMs = this.#statementSinceMs = this.#clock.monotonicMs()
    this.#onBusy(this)
  }

  /** @param sql what was answered; the server answers in the order in which it was asked */
  answered(sql: string): void {
    const nowMs = this.#clock.monotonicMs()
    const ms = nowMs - this.#statementSinceMs
    if (this.#longest === undefined || ms > this.#longest.ms) this.#longest = { sql, ms }
    this.#answers++
    // The lock was granted between the last look and the answer. Most of that was the wait: what a statement does after it is mostly short.
    if (this.#open !== undefined) this.#close(nowMs)
    if (--this.#unanswered === 0) this.#busyMs += nowMs - this.#busySinceMs
    else this.#statementSinceMs = nowMs
    this.#onAnswer(this)
  }

  /** A look that this statement needed failed. */
  lookFailed(): void {
    this.#isKnown = false
    this.lookIntervalMs = AGAIN_MS_MAX
  }

  /** Takes in what a look found that began while this statement was out. */
  see({ graph, atMs }: LockLook): void {
    const session = graph.get(this.pid)
    if (session?.waitedMs === undefined) {
      // Granted between the two looks; the middle is off by half of the interval at most.
      if (this.#open !== undefined) this.#close(Math.max(this.#open.untilMs, (this.#open.untilMs + atMs) / 2))
      this.lookIntervalMs *= 2
    } else {
      this.#graph = graph
      this.#waits(session, atMs)
      this.#blame(graph, atMs)
      this.lookIntervalMs = session.waitedMs * AGAIN_SHARE
    }
    this.lookIntervalMs = Math.min(Math.max(this.lookIntervalMs, AGAIN_MS_MIN), AGAIN_MS_MAX)
  }

  #waits(session: LockSession, atMs: number): void {
    const id = session.waitingSince ?? ''
    const sinceMs = Math.min(atMs, Math.max(this.#statementSinceMs, atMs - session.waitedMs!))
    if (this.#open !== undefined && this.#open.id !== '' && this.#open.id !== id) {
      // Another wait: this one ended before it began.
      this.#close(Math.max(this.#open.untilMs, sinceMs))
    }
    this.#open ??= { id, sinceMs, untilMs: sinceMs }
    this.#open.id = id
  }

  /** The time since the last look is put down to whom this look names. */
  #blame(graph: LockGraph, atMs: number): void {
    const path = rootOf(graph, this.pid, this.#current?.blocker.path.pid)
    if (path === undefined) return
    const session = graph.get(path.pid)
    const blocker = { path, session, reference: this.#nameHolder(path.pid, session) }
    // The same session may be somebody else's by the next look.
    const key = `${path.pid} ${blocker.reference?.spanId ?? session?.application ?? ''}`
    const blame = this.#blames.get(key) ?? { blocker, ms: 0 }
    blame.blocker = blocker
    if (this.#blames.size < BLAMES_MAX) this.#blames.set(key, blame)
    this.#current = blame
    const open = this.#open!
    blame.ms += Math.max(0, atMs - open.untilMs)
    open.untilMs = Math.max(open.untilMs, atMs)
  }

  #close(untilMs: number): void {
    const open = this.#open!
    this.#waitedMs += Math.max(0, untilMs - open.sinceMs)
    if (this.#current !== undefined) this.#current.ms += Math.max(0, untilMs - open.untilMs)
    this.#open = undefined
    this.#current = undefined
  }
}
