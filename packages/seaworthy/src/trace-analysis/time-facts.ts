/**
 * What a process knows about the time of its spans, as attributes of them: the contract between whoever records spans and `verdict`. All times in
 * milliseconds, fractions allowed. A fact that is absent is not known; zero means that it was looked at and there was none.
 */
export const timeFact = {
  /** On a database client's span: until it had a pooled connection, or its turn with SQLite's writer. */
  poolWaitMs: 'seaworthy.time.pool_wait_ms',
  /** On a database client's span: while its statements waited for locks that others held. */
  lockWaitMs: 'seaworthy.time.lock_wait_ms',
  /** On a database client's span: its statements at work, waits for locks not counted. */
  executeMs: 'seaworthy.time.execute_ms',
  /** On an entry span: CPU that the thread used in the span's window, for whatever request. */
  cpuMs: 'seaworthy.time.cpu_ms',
  /** On an entry span: how long the event loop was active in the span's window, for whatever request. */
  loopActiveMs: 'seaworthy.time.loop_active_ms',
  /** On an entry span: how long the event loop was active in the span's window while the CPU was idle: a synchronous call that waited. */
  loopBlockedMs: 'seaworthy.time.loop_blocked_ms',
  /** On an entry span: how long the thread was ready in the span's window and waited for a processor. Neither in the CPU nor in the blocked time. */
  processorWaitMs: 'seaworthy.time.processor_wait_ms',
  /** On a consumer's span: from when the message could be read until its handler began. */
  queueWaitMs: 'seaworthy.time.queue_wait_ms',
  /** On an entry span or on a call's: until a bulkhead, a limiter or a gateway let it through. */
  admissionWaitMs: 'seaworthy.time.admission_wait_ms',
} as const

/** Attributes of a database client's span that waited for a lock: who, at the root of those that waited for each other, held it. */
export const lockFact = {
  blockerTraceId: 'seaworthy.lock.blocker.trace_id',
  blockerSpanId: 'seaworthy.lock.blocker.span_id',
  blockerService: 'seaworthy.lock.blocker.service',
  /** One of `LockHolderState`. */
  blockerState: 'seaworthy.lock.blocker.state',
  /** How long the holder had had its transaction open without asking the database for anything. */
  blockerIdleMs: 'seaworthy.lock.blocker.idle_ms',
  /** The holder's last statement, literals redacted. */
  blockerStatement: 'seaworthy.lock.blocker.statement',
  /** The holder's process in the database server. */
  blockerPid: 'seaworthy.lock.blocker.pid',
  /** How many stood between this span and the root: 1 if the root held what the span waited for. */
  chainLength: 'seaworthy.lock.chain_length',
} as const

/** `active`: its statement ran. `idle in transaction`: the database waited for its code. `waiting`: for something else, such as a lock in a circle. */
export type LockHolderState = 'active' | 'idle in transaction' | 'waiting'

/** A link from a span that waited for a lock to the span of the root holder has the attribute `name` with the value `lockBlocker`. */
export const factLink = { name: 'seaworthy.link', lockBlocker: 'lock-blocker' } as const

/**
 * An event of an entry span: the event loop ran one stretch without a pause, for this request or for another one. Only stretches longer than `minMs` are
 * told. The event's time is the stretch's start.
 */
export const loopStretch = {
  event: 'seaworthy.loop.stretch',
  ms: 'ms',
  cpuMs: 'cpu_ms',
  /** Whether it was the code of the span's own request; absent where nobody knows. */
  own: 'own',
  minMs: 20,
} as const
