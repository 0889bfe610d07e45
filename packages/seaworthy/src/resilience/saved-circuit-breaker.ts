/** What survives a restart: JSON. A closed breaker starts counting again; an open one stays open for what is left of its time. */
export type SavedCircuitBreaker =
  | { readonly state: 'closed' }
  | { readonly state: 'isolated'; readonly why: string }
  | { readonly state: 'open'; readonly why: string; readonly leftMs: number; readonly savedAtMs: number; readonly opensInARow: number }

const SHOWN_MAX = 200

/**
 * It comes from a file or a cache that another version may have written, or nobody did: what cannot be read becomes a warning
 * of the process, because a breaker that begins closed is better than a service that does not start.
 */
export function readSavedCircuitBreaker(saved: unknown, name: string): SavedCircuitBreaker | undefined {
  if (isSaved(saved ?? {})) return saved as SavedCircuitBreaker
  const shown = JSON.stringify(saved).slice(0, SHOWN_MAX)
  process.emitWarning(`What was saved of circuit breaker ${name} cannot be read, so that it begins closed: ${shown}`)
  return undefined
}

type Fields = { readonly [field in 'state' | 'why' | 'leftMs' | 'savedAtMs' | 'opensInARow']?: unknown }

function isSaved({ state, why, leftMs, savedAtMs, opensInARow }: Fields): boolean {
  switch (state) {
    case 'closed':
      return true
    case 'isolated':
      return typeof why === 'string'
    case 'open':
      return typeof why === 'string' && [leftMs, savedAtMs, opensInARow].every((value) => Number.isFinite(value) && (value as number) >= 0)
    default:
      return false
  }
}
