import type { SimulatedWorld } from '../worlds/simulated-world.ts'

/** A world with one mistake in it that teams really make. The prover is worth something if it finds each of them. */
export interface Plant {
  readonly name: string
  /** What the team did, and what comes of it, in one line. */
  readonly mistake: string
  readonly world: SimulatedWorld
}
