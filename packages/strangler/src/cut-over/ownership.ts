import type { SideName } from './mapping.ts'

/**
 * Who may write the data of a route. The decision stands in one row of the new service's database; the monolith's database has a copy of it that follows.
 * Each step raises the epoch by one, and takes effect only from the epoch before it, so that whoever stood still decides nothing any more.
 *
 *     old ──▶ switching ──▶ new ──▶ retired
 *      ▲  ◀── given up       │
 *      │                     ▼
 *      └── returning ◀── switching-back
 */
export type Phase =
  /** The monolith writes. What it writes is fed to the new service. */
  | 'old'
  /** Nobody writes. The feed is drained. */
  | 'switching'
  /** The new service writes. What it writes is fed back to the monolith. */
  | 'new'
  /** Nobody writes. It is counted which keys the monolith does not have yet. */
  | 'switching-back'
  /** The monolith writes, but for the keys that it does not have yet; those are held until they have been fed back. */
  | 'returning'
  /** The new service writes, and feeds nothing back: there is no way back. */
  | 'retired'

export interface Ownership {
  readonly phase: Phase
  readonly epoch: number
}

/** Which own writes a side takes: all, none, or all but those of the keys that are held. */
export type Gate = 'open' | 'closed' | 'held'

const NEXT: Readonly<Record<Phase, readonly Phase[]>> = {
  old: ['switching'],
  switching: ['new', 'old'],
  new: ['switching-back', 'retired'],
  'switching-back': ['returning'],
  returning: ['old'],
  retired: [],
}

/** The state after a step. Undefined when there is no such step. */
export function step(from: Ownership, to: Phase): Ownership | undefined {
  return NEXT[from.phase].includes(to) ? { phase: to, epoch: from.epoch + 1 } : undefined
}

export function isStep(from: Phase, to: Phase): boolean {
  return NEXT[from].includes(to)
}

export function gateOf(side: SideName, phase: Phase): Gate {
  switch (phase) {
    case 'old':
      return side === 'old' ? 'open' : 'closed'
    case 'new':
    case 'retired':
      return side === 'new' ? 'open' : 'closed'
    case 'returning':
      return side === 'old' ? 'held' : 'closed'
    case 'switching':
    case 'switching-back':
      return 'closed'
  }
}

/** Which side is fed in a phase; undefined when neither is. */
export function fedSide(phase: Phase): SideName | undefined {
  switch (phase) {
    case 'old':
    case 'switching':
      return 'new'
    case 'new':
    case 'switching-back':
    case 'returning':
      return 'old'
    case 'retired':
      return undefined
  }
}

/** Where a request that writes goes now. `hold`: to the waiting room. */
export function writerOf({ phase }: Ownership, isHeldKey: boolean): SideName | 'hold' {
  switch (phase) {
    case 'old':
      return 'old'
    case 'new':
    case 'retired':
      return 'new'
    case 'returning':
      return isHeldKey ? 'hold' : 'old'
    case 'switching':
    case 'switching-back':
      return 'hold'
  }
}
