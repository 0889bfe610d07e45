import { ConfigurationError, type Random } from 'seaworthy/core'

/** What happens to the bytes of one direction. Toxics combine: they act in the order in which they stand here. */
export interface Toxics {
  /** The share of connections that are touched at all, 0 to 1, drawn once for each. Default 1. */
  readonly toxicity?: number
  /** Everything arrives `delayMs` later, plus up to `jitterMs` drawn evenly. Order is kept, as TCP keeps it. */
  readonly latency?: { readonly delayMs: number; readonly jitterMs?: number }
  /**
   * Nothing goes on, and nobody is told: neither bytes nor the end of the connection. Both sockets stay open, as they do when a cable is pulled.
   * What was held back goes on when the toxic is gone, as TCP would send it again.
   */
  readonly halfOpen?: true
  readonly bandwidth?: { readonly bytesPerSecond: number }
  /** Arrives in pieces of 1 to `bytesMax` bytes, drawn evenly, at least `gapMs` (default 0) apart. */
  readonly slice?: { readonly bytesMax: number; readonly gapMs?: number }
  /** After so many more bytes of this direction the connection is over for both ends: in order (FIN), or reset (RST). */
  readonly cut?: { readonly afterBytes: number; readonly how: 'close' | 'reset' }
}

/** Everything that a fault proxy does to its connections. */
export interface Afflictions {
  /** From the client to the target. */
  readonly upstream?: Toxics
  /** From the target to the client. */
  readonly downstream?: Toxics
  /** New connections are refused (ECONNREFUSED); those that are open stay. */
  readonly refuse?: boolean
}

/** What a toxic can be seen to have done. */
export type Effect = 'latency' | 'half-open' | 'bandwidth' | 'slice' | 'close' | 'reset'

/**
 * How often each toxic had an effect: reads that were delayed or held, pieces that had to wait for bandwidth or were cut smaller, connections that
 * were closed or reset.
 */
export type Effects = Readonly<Record<Effect, number>>

export const noEffects = (): Record<Effect, number> => ({ latency: 0, 'half-open': 0, bandwidth: 0, slice: 0, close: 0, reset: 0 })

/** At most so much of a second's bandwidth leaves at once: a slow line trickles, it does not come in gulps. */
const BANDWIDTH_SLICE_MS = 50

/** How much later than it came a chunk may go on, in ms. */
export function delayMs({ latency }: Toxics, random: Random): number {
  return latency === undefined ? 0 : latency.delayMs + (latency.jitterMs ?? 0) * random.float()
}

/** The next piece of a chunk, and how long the line is busy with it. */
export interface Piece {
  readonly bytes: number
  readonly busyMs: number
  readonly effects: readonly Effect[]
}

export function nextPiece({ slice, bandwidth }: Toxics, bytesLeft: number, random: Random): Piece {
  let bytes = bytesLeft
  let busyMs = 0
  const effects: Effect[] = []
  if (slice !== undefined) {
    bytes = Math.min(bytes, 1 + Math.floor(random.float() * slice.bytesMax))
    busyMs = slice.gapMs ?? 0
    if (bytes < bytesLeft) effects.push('slice')
  }
  if (bandwidth !== undefined) {
    bytes = Math.min(bytes, Math.max(1, Math.floor((bandwidth.bytesPerSecond * BANDWIDTH_SLICE_MS) / 1_000)))
    busyMs = Math.max(busyMs, (bytes / bandwidth.bytesPerSecond) * 1_000)
    effects.push('bandwidth')
  }
  return { bytes, busyMs, effects }
}

/** @throws ConfigurationError naming the first setting that makes no sense */
export function assertSensible({ upstream, downstream }: Afflictions): void {
  for (const [direction, toxics] of Object.entries({ upstream, downstream })) {
    if (toxics === undefined) continue
    const { toxicity = 1, latency, bandwidth, slice, cut } = toxics
    const settings = [
      ['toxicity', toxicity, toxicity >= 0 && toxicity <= 1, 'between 0 and 1'],
      ['latency.delayMs', latency?.delayMs, isDuration(latency?.delayMs), 'milliseconds, 0 or more'],
      ['latency.jitterMs', latency?.jitterMs, isDuration(latency?.jitterMs), 'milliseconds, 0 or more'],
      [
        'bandwidth.bytesPerSecond',
        bandwidth?.bytesPerSecond,
        (bandwidth?.bytesPerSecond ?? 1) > 0,
        'more than 0; to stop everything use halfOpen',
      ],
      ['slice.bytesMax', slice?.bytesMax, (slice?.bytesMax ?? 1) >= 1, '1 or more'],
      ['slice.gapMs', slice?.gapMs, isDuration(slice?.gapMs), 'milliseconds, 0 or more'],
      ['cut.afterBytes', cut?.afterBytes, isDuration(cut?.afterBytes), '0 or more'],
    ] as const
    for (const [name, value, holds, wanted] of settings)
      if (!holds) throw new ConfigurationError(`${direction}.${name} is ${value}; it must be ${wanted}.`)
  }
}

const isDuration = (value = 0): boolean => value >= 0 && Number.isFinite(value)
