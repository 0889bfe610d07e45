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

/** Sends everybody at their time, whether or not those before have been served. @returns when the last has been served, or has left */
export async function visit(url: string, all: readonly Arrival[], onVisit: (visit: Visit) => void): Promise<void> {
  const beganMs = systemClock.monotonicMs()
  await Promise.all(
    all.map(async (arrival) => {
      await sleep(systemClock, arrival.atMs - (systemClock.monotonicMs() - beganMs))
      const askedMs = systemClock.monotonicMs()
      const outcome = await ask(`${url}/${arrival.page}`)
      onVisit({ ...arrival, outcome, tookMs: systemClock.monotonicMs() - askedMs })
    }),
  )
}

/** The first requests to a process that has just started say more about its start than about anything else. */
export async function warmUp(url: string): Promise<void> {
  for (let times = 0; times < 3; times++) for (const page of Object.keys(ARRIVALS_PER_SECOND)) await ask(`${url}/${page}`)
}

async function ask(url: string): Promise<Visit['outcome']> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) })
    await response.arrayBuffer()
    return response.ok ? 'ok' : 'error'
  } catch {
    return 'no-answer'
  }
}
