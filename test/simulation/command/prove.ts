import { type ExplorationResult, type ExploreOptions, explore } from '@seaworthy/simulation'
import type { SimulatedWorld } from '../worlds/simulated-world.ts'

export type ProofOptions = Omit<ExploreOptions, 'system' | 'invariants' | 'faults'>

/** Explores a world: its own system, invariants and faults. */
export function prove(world: SimulatedWorld, options: ProofOptions): Promise<ExplorationResult> {
  const { system, invariants, faults } = world
  return explore({ ...options, system, invariants, ...(faults !== undefined && { faults }) })
}

/** As much of it as has its place beside the other worlds. */
export function proveShare(world: SimulatedWorld, options: ProofOptions): Promise<ExplorationResult> {
  const { system, invariants, faults, share = 1 } = world
  const { seeds } = options
  const parts = { ...(seeds !== undefined && { seeds: Math.ceil(seeds * share) }), ...(faults !== undefined && { faults }) }
  return explore({ ...options, ...parts, system, invariants, share })
}

/** One line about what an exploration did. */
export function summary(world: SimulatedWorld, { runs, points, struck, elapsedMs, failure }: ExplorationResult): string {
  const faults = Object.values(struck).reduce((sum, count) => sum + count, 0)
  const verdict = failure === undefined ? '0 violations' : 'VIOLATED'
  return `${world.name.padEnd(14)} ${String(runs).padStart(6)} runs, ${points} points, ${faults} faults, ${(elapsedMs / 1000).toFixed(1)} s: ${verdict}`
}
