import type { Random } from 'seaworthy/core'
import type { Lock } from './protocol.ts'

/** Who is in a graph: a service by its number, a person with a shell, or a transaction that was prepared and has no session any more. */
export type Actor = number | 'outsider' | 'prepared'

export interface Node {
  readonly actor: Actor
  readonly holds: Lock
  /** The index of the one whose lock it waits for; undefined for the root. */
  readonly waitsFor: number | undefined
}

/** Transactions that hold a lock each and wait for another’s: a tree whose root waits for nobody, or a circle with those who wait behind it. */
export interface LockGraphPlan {
  readonly kind: 'tree' | 'deadlock'
  readonly nodes: readonly Node[]
  /** Of a circle, how many nodes are in it: the first ones. */
  readonly circle: number
  /** How long the root keeps its lock when all wait, in milliseconds. */
  readonly holdMs: number
}

export const SERVICES = ['orders', 'inventory', 'nightly-recount'] as const
const DEADLOCK_SHARE = 0.2
const OUTSIDER_SHARE = 0.15
const PREPARED_SHARE = 0.15

/** One graph. `number` gives each lock a number of its own. */
export function planGraph(random: Random, number: () => number): LockGraphPlan {
  const below = (limit: number) => Math.floor(random.float() * limit)
  const lock = (kinds: readonly Lock['kind'][]): Lock => ({ kind: kinds[below(kinds.length)]!, number: number() })
  const anyLock = () => lock(['row', 'row', 'advisory', 'table'])
  const holdMs = 120 + below(280)
  if (random.float() < DEADLOCK_SHARE) {
    const circle = 2 + below(2)
    const nodes = Array.from({ length: circle }, (_, index): Node => ({
      actor: below(SERVICES.length),
      holds: anyLock(),
      waitsFor: (index + 1) % circle,
    }))
    if (random.float() < 0.5) nodes.push({ actor: below(SERVICES.length), holds: anyLock(), waitsFor: below(circle) })
    return { kind: 'deadlock', nodes, circle, holdMs }
  }
  const draw = random.float()
  const actor: Actor = draw < OUTSIDER_SHARE ? 'outsider' : draw < OUTSIDER_SHARE + PREPARED_SHARE ? 'prepared' : below(SERVICES.length)
  const nodes: Node[] = [{ actor, holds: actor === 'prepared' ? lock(['row']) : anyLock(), waitsFor: undefined }]
  const waiters = 1 + below(4)
  for (let index = 1; index <= waiters; index++) nodes.push({ actor: below(SERVICES.length), holds: anyLock(), waitsFor: below(index) })
  return { kind: 'tree', nodes, circle: 0, holdMs }
}
