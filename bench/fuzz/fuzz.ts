import { FuzzLane } from './fuzz-lane.ts'
import { cutsOf, inputOf } from './inputs.ts'
import { type Judgement, judge } from './judge.ts'
import type { FuzzedUpstream } from './upstreams.ts'

/** Which inputs: those of one seed have numbers, so that any part of them can be tried, at any time, by anybody. */
export interface InputRange {
  readonly seed: number
  /** The number of the first one, and how many there are. */
  readonly from: number
  readonly inputs: number
  /** Every which of them; the others are somebody else's. Default 1. */
  readonly every?: number
}

export interface FuzzOptions extends InputRange {
  readonly upstream: Pick<FuzzedUpstream, 'port'>
  /** Told now and then how many are done. */
  readonly onProgress?: (inputs: number) => void
  readonly onFinding?: (finding: Finding) => void
}

/** An input that the proxy and a strict reader, or the upstream, read differently. */
export interface Finding {
  /** Of {@link inputOf}. */
  readonly seed: number
  readonly why: string
  readonly input: string
}

export interface FuzzResult {
  readonly findings: readonly Finding[]
  /** So many inputs had a request that went on, and so many were refused in part. Both must be many for the rest to mean anything. */
  readonly forwarded: number
  readonly refused: number
  /** What seemed to be wrong with so many, and did not come again: on a busy machine an answer is late, and comes when another is expected. */
  readonly passing: number
}

const LANES = 8
const PROGRESS_EVERY = 1_000
/** How long a reading is waited for: at first, and when the input is tried again. */
const PATIENCE_MS = [3_000, 10_000, 30_000]

/**
 * Sends random inputs through a proxy to an upstream, and compares three readings of each: what a strict reader, which is not the
 * proxy's, makes of the input; what it makes of what the proxy sends on; and what the upstream says that it read. What seems to be wrong has to come
 * again, before a proxy that has seen nothing else.
 */
export async function fuzz({ upstream, seed, from, inputs, every = 1, onProgress, onFinding }: FuzzOptions): Promise<FuzzResult> {
  const findings: Finding[] = []
  const counts = { forwarded: 0, refused: 0, passing: 0 }
  const end = from + inputs
  let next = from
  let done = 0
  const runLane = async () => {
    let lane = await FuzzLane.open(upstream.port)
    for (let index = next; index < end; index = next) {
      next += every
      const inputSeed = seedOf(seed, index)
      const input = inputOf(inputSeed)
      let judgement: Judgement | undefined
      let tries = 0
      for (const patienceMs of PATIENCE_MS) {
        tries++
        judgement = judge(input, await lane.try(input, { cuts: cutsOf(inputSeed, input.length), patienceMs }))
        if (judgement.why === undefined) break
        // What it has left behind is nothing that another input should meet.
        await lane.close()
        lane = await FuzzLane.open(upstream.port)
      }
      const { why, wasForwarded, wasRefused } = judgement!
      if (wasForwarded) counts.forwarded++
      if (wasRefused) counts.refused++
      if (why !== undefined) {
        findings.push({ seed: inputSeed, why, input })
        onFinding?.(findings.at(-1)!)
      } else if (tries > 1) counts.passing++
      if (++done % PROGRESS_EVERY === 0) onProgress?.(done)
    }
    await lane.close()
  }
  await Promise.all(Array.from({ length: LANES }, runLane))
  return { findings, ...counts }
}

const seedOf = (seed: number, index: number): number => (seed * 1_000_003 + index) >>> 0
