import { type Random, seededRandom, sleep, systemClock } from 'seaworthy/core'
import { ARRIVALS_PER_SECOND, type PageKind, PATIENCE_MS } from './stages.ts'

/** A customer comes, and wants a page. */
export interface Arrival {
  readonly atMs: number
  readonly page: PageKind
}

/** What became of it. */
export interface Visit extends Arrival {
  readonly outcome: 'ok' | 'error' | 'no-answer'
  readonly tookMs: number
}

/** Arrivals of a Poisson process: the same for the same seed. */
export function arrivals(seed: number, endMs: number): readonly Arrival[] {
  const random = seededRandom(seed)
  const pages = Object.keys(ARRIVALS_PER_SECOND) as PageKind[]
  return pages.flatMap((page) => arrivalsOf(page, random, endMs)).toSorted((a, b) => a.atMs - b.atMs)
}

function arrivalsOf(page: PageKind, random: Random, endMs: number): Arrival[] {
  const meanMs = 1_000 / ARRIVALS_PER_SECOND[page]
  const found: Arrival[] = []
  for (let atMs = 0; ;) {
    atMs += -Math.log(1 - random.float()) * meanMs
    if (atMs >= endMs) return found
    found.push({ atMs, page })
  }
}

/**
 * Sends everybody at their time, whether or not those before have been served.
 * @param pace how many times slower than announced everything goes; what is reported is in announced time
 * @returns when the last has been served, or has left
 */
export async function visit(url: string, all: readonly Arrival[], pace: number, onVisit: (visit: Visit) => void): Promise<void> {
  const beganMs = systemClock.monotonicMs()
  await Promise.all(
    all.map(async (arrival) => {
      await sleep(systemClock, arrival.atMs * pace - (systemClock.monotonicMs() - beganMs))
      const askedMs = systemClock.monotonicMs()
      const outcome = await ask(`${url}/${arrival.page}`, PATIENCE_MS * pace)
      onVisit({ ...arrival, outcome, tookMs: (systemClock.monotonicMs() - askedMs) / pace })
    }),
  )
}

const WARM_UP_PAGES = 10

/**
 * Asks for some pages before anything is counted: the first requests to a process that has just started say more about its start than
 * about anything else.
 * @returns how long a product page takes, in milliseconds: the median of the last
 */
export async function warmUp(url: string): Promise<number> {
  for (let times = 0; times < 3; times++) for (const page of Object.keys(ARRIVALS_PER_SECOND)) await ask(`${url}/${page}`, 6 * PATIENCE_MS)
  const took: number[] = []
  for (let times = 0; times < WARM_UP_PAGES; times++) {
    const beganMs = systemClock.monotonicMs()
    await ask(`${url}/product`, 6 * PATIENCE_MS)
    took.push(systemClock.monotonicMs() - beganMs)
  }
  return took.toSorted((a, b) => a - b)[WARM_UP_PAGES / 2]!
}

async function ask(url: string, patienceMs: number): Promise<Visit['outcome']> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(Math.ceil(patienceMs)) })
    await response.arrayBuffer()
    return response.ok ? 'ok' : 'error'
  } catch {
    return 'no-answer'
  }
}
