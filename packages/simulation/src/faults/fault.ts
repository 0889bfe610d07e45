import { InvalidInputError } from 'seaworthy/core'
import type { ExecutionIndex } from '../kernel/execution-index.ts'

/**
 * What can go wrong, and where:
 * - `crash`: the process dies there, and is started again after a while. At every point.
 * - `pause`: the process stands still for longer than most leases last, and goes on as if nothing had happened.
 * - `busy`: the database's lock is taken. `disk-full`: the commit is refused.
 * - `lose`: the message does not arrive. Its sender learns of it where the wire tells, else waits in vain.
 * - `lose-reply`: it arrives and takes effect; the answer is lost.
 * - `duplicate`: it arrives twice.
 * - `reorder`: it arrives after later ones. `delay`: so late that timeouts and leases have run out.
 * - `partition`: the two sides cannot reach each other for a while. `partition-one-way`: answers do not come through.
 * - `restart-broker`: the event log or the queue is away for a while; what it acknowledged is kept.
 * - `clock-forward`, `clock-back`: the node's wall clock jumps by up to an hour.
 */
export const FAULT_KINDS = [
  'crash',
  'pause',
  'busy',
  'disk-full',
  'lose',
  'lose-reply',
  'duplicate',
  'reorder',
  'delay',
  'partition',
  'partition-one-way',
  'restart-broker',
  'clock-forward',
  'clock-back',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** A fault at a decision point. How long or how far is drawn from the seed and the point. */
export interface Fault {
  readonly kind: FaultKind
  readonly index: ExecutionIndex
}

/** One history, to be run again: which seed, and which faults. */
export interface HistoryText {
  readonly seed: number
  readonly faults: readonly Fault[]
}

/** As text on one line: `seed=7 crash@orders.database:commit:after#1 lose@orders.event-log:append:before#2`. */
export function formatHistory({ seed, faults }: HistoryText): string {
  return [`seed=${seed}`, ...faults.map(({ kind, index }) => `${kind}@${index}`)].join(' ')
}

/** @throws InvalidInputError when the text is no history */
export function parseHistory(text: string): HistoryText {
  const [first = '', ...rest] = text.trim().split(/\s+/)
  const seed = /^seed=(\d+)$/.exec(first)?.[1]
  if (seed === undefined) {
    throw new InvalidInputError(`'${text}' is no history. It begins with seed=N; copy the whole line that a failure prints.`)
  }
  return { seed: Number(seed), faults: rest.map(parseFault) }
}

function parseFault(text: string): Fault {
  const at = text.indexOf('@')
  const kind = FAULT_KINDS.find((known) => known === text.slice(0, at))
  if (at === -1 || kind === undefined) {
    throw new InvalidInputError(`'${text}' is no fault. It reads kind@point, with a kind of: ${FAULT_KINDS.join(', ')}.`)
  }
  return { kind, index: text.slice(at + 1) }
}
