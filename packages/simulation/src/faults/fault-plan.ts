import type { ExecutionIndex } from '../kernel/execution-index.ts'
import { basisOf, draw, drawUnit, drawUnitFrom } from '../kernel/hash.ts'
import type { Fault, FaultKind } from './fault.ts'

/** Decides, at each decision point, whether a fault strikes. Asked once a point. */
export interface FaultPlan {
  at(index: ExecutionIndex, possible: readonly FaultKind[]): FaultKind | undefined
}

/** Nothing goes wrong. */
export const noFaults: FaultPlan = { at: () => undefined }

/** Exactly these faults: one point, one fault. */
export function exactly(faults: readonly Fault[]): FaultPlan {
  const byIndex = new Map(faults.map(({ index, kind }) => [index, kind]))
  return {
    at(index, possible) {
      const kind = byIndex.get(index)
      return kind !== undefined && possible.includes(kind) ? kind : undefined
    },
  }
}

/**
 * Random faults: whether one strikes, and which, is a function of the seed and the point's name. How thick they fall is the seed's too, so
 * that some histories have one fault and others many.
 */
export function randomFaults(seed: number, options: { readonly faultsMax: number }): FaultPlan {
  const rate = 0.01 * 2 ** (4 * drawUnit(seed, 'rate'))
  const strikes = basisOf(seed, 'strikes ')
  let left = 1 + (draw(seed, 'faults') % options.faultsMax)
  return {
    at(index, possible) {
      if (left === 0 || possible.length === 0 || drawUnitFrom(strikes, index) >= rate) return undefined
      left--
      return possible[draw(seed, `kind ${index}`) % possible.length]
    },
  }
}
