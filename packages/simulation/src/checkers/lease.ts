import { violated } from '../errors.ts'
import type { HistoryEntry } from '../kernel/history.ts'

/** A lease in somebody's hand. Times in milliseconds of one clock: the one on which the lease is granted, or the world's. */
export interface LeaseHold {
  readonly lease: string
  readonly holder: string
  readonly fromMs: number
  /** When it ran out, was given back, or its holder died; infinity while it lasts. The first instant that it is free. */
  readonly untilMs: number
}

/**
 * No lease is granted to two at once.
 * @throws Violation naming the lease and both holders
 */
export function oneHolderPerLease(options: { readonly holds: Iterable<LeaseHold> }): void {
  const latest = new Map<string, LeaseHold>()
  for (const hold of [...options.holds].toSorted((one, other) => one.fromMs - other.fromMs)) {
    const before = latest.get(hold.lease)
    if (before !== undefined && before.holder !== hold.holder && hold.fromMs < before.untilMs) {
      violated(
        `Lease ${hold.lease} has two holders: ${before.holder} ${span(before)}, and ${hold.holder} ${span(hold)}. Times in ms of the history.`,
      )
    }
    if (before === undefined || hold.untilMs >= before.untilMs) latest.set(hold.lease, hold)
  }
}

/**
 * Nothing is accepted from a holder once a later one has written: what a fencing token is for. No lease alone can keep a paused holder from sending.
 * @param options `writes`: in the order in which the resource accepted them, each with the token it came with
 * @throws Violation naming the lease, both writers and their tokens
 */
export function noStaleWrites(options: {
  readonly writes: Iterable<{ readonly lease: string; readonly token: number; readonly by: string }>
}): void {
  const newest = new Map<string, { readonly token: number; readonly by: string }>()
  for (const { lease, token, by } of options.writes) {
    const before = newest.get(lease)
    if (before !== undefined && token < before.token) {
      violated(`Lease ${lease}: a write of ${by} under token ${token} was accepted after one of ${before.by} under token ${before.token}.`)
    }
    newest.set(lease, { token, by })
  }
}

/**
 * The holds that a history tells of, by notes: `note('lease taken', { lease })` and `note('lease released', { lease })`. A crash lets go of what its
 * incarnation held; a pause does not.
 */
export function leaseHolds(history: readonly HistoryEntry[]): readonly LeaseHold[] {
  const holds: LeaseHold[] = []
  const open = new Map<string, LeaseHold>()
  const end = (slot: string, untilMs: number) => {
    const hold = open.get(slot)
    if (hold !== undefined) holds.push({ ...hold, untilMs })
    open.delete(slot)
  }
  for (const entry of history) {
    const holder = `${entry.node}/${entry.incarnation}`
    if (entry.kind === 'crash') for (const [slot, hold] of open) if (hold.holder === holder) end(slot, entry.atMs)
    if (entry.kind !== 'note' || (entry.text !== 'lease taken' && entry.text !== 'lease released')) continue
    const { lease } = entry.data as { readonly lease: string }
    const slot = `${holder} ${lease}`
    end(slot, entry.atMs)
    if (entry.text === 'lease taken') open.set(slot, { lease, holder, fromMs: entry.atMs, untilMs: Number.POSITIVE_INFINITY })
  }
  return [...holds, ...open.values()]
}

function span({ fromMs, untilMs }: LeaseHold): string {
  return untilMs === Number.POSITIVE_INFINITY ? `from ${fromMs} on` : `from ${fromMs} to ${untilMs}`
}
