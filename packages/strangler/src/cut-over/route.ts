import type { SideName } from './mapping.ts'
import { type Ownership, writerOf } from './ownership.ts'
import { ownershipOf } from './moves.ts'
import { type WriteToken, parseToken, readerOf } from './routing.ts'
import type { SetAsideKey, Side, SideState } from './side.ts'

export interface Route extends Ownership {
  /** Whether both sides act as the phase says. While it is false, a decision has been made that the monolith's side has not heard of yet. */
  readonly settled: boolean
  /** Where to write. `hold`: wait, and ask again. */
  readonly write: SideName | 'hold'
  readonly read: SideName
}

export interface RouteQuestion {
  readonly key?: string
  /** Where he would read if nothing spoke against it. */
  readonly wish?: SideName
  /** Of his last write. */
  readonly token?: string
}

export interface RouteParts {
  readonly sides: Readonly<Record<SideName, Side>>
  readonly followedEpoch: number
  readonly heldKeys: () => Promise<readonly SetAsideKey[]>
}

/** Where to write and to read now. */
export async function routeOf({ sides, followedEpoch, heldKeys }: RouteParts, { key, wish, token }: RouteQuestion): Promise<Route> {
  const state = await sides.new.state({})
  const isOpening = state.phase === 'old' || state.phase === 'returning'
  const isAsking = wish !== undefined || token !== undefined || (isOpening && followedEpoch < state.epoch)
  const old = isAsking || state.phase === 'returning' ? await sides.old.state({}) : undefined
  // Until its side has heard of it, the monolith takes no writes.
  const isBehind = isOpening && old !== undefined && old.epoch < state.epoch
  const settled = !isBehind && state.phase !== 'switching' && state.phase !== 'switching-back'
  // Whoever does not say whose key it is waits with the held ones.
  const isHeld = isBehind || (state.phase === 'returning' && (await isHeldKey(key, heldKeys)))
  const write = isBehind ? 'hold' : writerOf(state, isHeld)
  const owner = isOpening || state.phase === 'switching' ? 'old' : 'new'
  const answer = { ...ownershipOf(state), settled, write }
  // What is held is read where it was written.
  if (state.phase === 'returning' && isHeld) return { ...answer, read: 'new' }
  if (old === undefined || (wish === undefined && token === undefined)) return { ...answer, read: owner }
  const fed = { new: fedTo(state), old: fedTo(old) }
  const parsed: WriteToken | undefined = token === undefined ? undefined : parseToken(token)
  return { ...answer, read: readerOf({ ownership: state, fed, wish: wish ?? owner, token: parsed }) }
}

async function isHeldKey(key: string | undefined, heldKeys: RouteParts['heldKeys']): Promise<boolean> {
  const held = await heldKeys()
  return key === undefined ? held.length > 0 : held.some((one) => one.key === key)
}

/** While a side is copied, changes up to its position may be missing in it. */
function fedTo({ copy, position }: SideState): number {
  return copy.stage === 'done' ? position : -1
}
