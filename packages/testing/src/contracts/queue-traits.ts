/** In what an engine differs from the others, each stated in its documentation, and how its times can be tested. */
export interface QueueTraits {
  /**
   * - `window` (default): an id is remembered for the dedupe window, and for as long as its message is there.
   * - `fixed-window`: for a time that the engine does not let anybody choose, and no test waits for.
   * - `none`: what is sent twice comes twice.
   */
  readonly deduplication?: 'window' | 'fixed-window' | 'none'
  /** Whether a message can be sent with a delay; else that is refused as `unsupported`. Default true. */
  readonly sendsWithDelay?: boolean
  /** What a message counts as that was rejected with a delay. Default `delayed`. */
  readonly waitsAfterRejectionAs?: 'delayed' | 'leased'
  /** How long what was done may take to show, in real time: a message that was given back, a count. Default 0. */
  readonly lagMs?: number
  /** Leases and delays of the suite; longer ones for an engine whose time is real. Default 1,000 and 2,000 ms. */
  readonly leaseMs?: number
  readonly delayMs?: number
  /** How long before and after its end the suite looks whether a time is over. Default 10 ms each. */
  readonly earlyMs?: number
  readonly lateMs?: number
  /** Runs the tests at the same time, for an engine whose time is real. Default false. */
  readonly concurrency?: boolean
}
