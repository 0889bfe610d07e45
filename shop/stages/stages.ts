import { ConfigurationError } from 'seaworthy/core'
import type { Route } from 'seaworthy/system'
import { MODULES, type Module } from '../monolith/domain/modules.ts'
import routes0 from './0-monolith.json' with { type: 'json' }
import routes1 from './1-reviews.json' with { type: 'json' }
import routes2 from './2-catalog.json' with { type: 'json' }
import routes3 from './3-customers.json' with { type: 'json' }

/** Each has a name, under which it moves on from stage to stage. */
type StageRoute = Route & { readonly id: string }

/** A state of the shop on its way out of the monolith, in which it can be for years. */
export interface Stage {
  readonly number: number
  /** What the gateway leads where. */
  readonly routes: readonly StageRoute[]
  /** The modules that are services of their own. */
  readonly moved: readonly Module[]
  /** Those that the monolith still has. Without any it does not run. */
  readonly kept: readonly Module[]
  /** That of them which can move while the shop runs: the next to leave. */
  readonly movable: Module | undefined
}

/** In the order of their leaving: the smallest first, and last what most others ask. */
const LEAVING: readonly Module[] = ['reviews', 'catalog', 'customers']

/**
 * From everything in the monolith to no monolith. The files are the `routes` of a gateway's file: from one stage to the next, those with the same `id` move from one
 * `from` to the other.
 */
export const STAGES: readonly Stage[] = [routes0, routes1, routes2, routes3].map(({ routes }, number) => {
  const moved = LEAVING.slice(0, number)
  return {
    number,
    routes: routes.map(routeOf),
    moved,
    kept: MODULES.filter((module) => !moved.includes(module)),
    movable: LEAVING[number],
  }
})

interface FileRoute {
  readonly id: string
  readonly match: { readonly path: string; readonly also?: readonly string[] }
  readonly from: string
  readonly to?: string
}

function routeOf({ id, match, from, to }: FileRoute): StageRoute {
  const { path, also } = match
  return { id, path, service: from, ...(also !== undefined && { also }), ...(to !== undefined && { to }) }
}

/** @throws ConfigurationError when there is no such stage */
export function stageOf(number: number): Stage {
  const stage = STAGES[number]
  if (stage === undefined) throw new ConfigurationError(`There is no stage ${number}. The shop has stages 0 to ${STAGES.length - 1}.`)
  return stage
}
