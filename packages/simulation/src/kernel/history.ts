import type { FaultKind } from '../faults/fault.ts'
import type { ExecutionIndex } from './execution-index.ts'
import { hashNumber, hashText, mixed } from './hash.ts'
import { TICKS_PER_MS } from './scheduler.ts'

/** What can happen in a history. Each kind carries exactly its own detail. */
type HappeningDetail =
  /** A node's factory was called. `incarnation` is 1 for the first. */
  | { readonly kind: 'start' }
  /** The factory is done: the node takes requests. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'crash' }
  /** The node stands still, and its timers with it. */
  | { readonly kind: 'pause'; readonly forMs: number }
  | { readonly kind: 'resume' }
  /** The wall clock of the node moved by so much at once. */
  | { readonly kind: 'clock-jump'; readonly byMs: number }
  /** Messages from `node` to `peer` are lost from now on; `both`: those from `peer` to `node` too. */
  | { readonly kind: 'partition'; readonly both: boolean; readonly forMs: number }
  | { readonly kind: 'broker-down'; readonly broker: string; readonly forMs: number }
  | { readonly kind: 'broker-up'; readonly broker: string }
  /** A request left the caller for `peer`. */
  | {
      readonly kind: 'request'
      readonly callId: number
      readonly method: string
      readonly request: unknown
      readonly key: string | undefined
    }
  /** A request reached `node` from `peer`. */
  | { readonly kind: 'delivery'; readonly callId: number; readonly method: string }
  /** The handler answered, and the answer left for `peer`. */
  | { readonly kind: 'reply'; readonly callId: number; readonly method: string; readonly outcome: Outcome }
  /** The caller has its answer, or has given up. */
  | { readonly kind: 'answer'; readonly callId: number; readonly method: string; readonly outcome: Outcome }
  | { readonly kind: 'commit'; readonly database: string }
  | { readonly kind: 'append'; readonly topic: string; readonly events: readonly EventName[] }
  /** Records that a consumer group was given. */
  | { readonly kind: 'poll'; readonly group: string; readonly events: readonly EventName[] }
  | { readonly kind: 'offsets'; readonly group: string; readonly positions: readonly string[] }
  | { readonly kind: 'send'; readonly queue: string; readonly messageId: string }
  | { readonly kind: 'receive'; readonly queue: string; readonly messageId: string; readonly attempt: number }
  | { readonly kind: 'acknowledge' | 'reject' | 'lease-lost'; readonly queue: string; readonly messageId: string }
  | { readonly kind: 'fault-point'; readonly name: string }
  /** A client was told that its call took effect (`done`), or that it never will (`failed`). */
  | { readonly kind: 'acknowledged' | 'refused'; readonly method: string; readonly key: string | undefined; readonly outcome: Outcome }
  /** A message or a delivery was lost, held back or doubled, as the entry's `fault` says. */
  | { readonly kind: 'disturbed'; readonly what: string }
  /** Something that code wrote down by `note`, for a person or a checker. */
  | { readonly kind: 'note'; readonly text: string; readonly data: unknown }
  /** `process.emitWarning` was called. */
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'phase'; readonly phase: 'chaos' | 'heal' | 'check' }

export type Outcome =
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: string; readonly executed: 'no' | 'maybe' | 'yes' }

/** An event as it stands in a history. */
export interface EventName {
  readonly id: string
  readonly type: string
  readonly topic: string
  readonly key: string
  readonly sequence: number
}

/** One line of a history. */
export type HistoryEntry = {
  /** Virtual milliseconds since the history began. */
  readonly atMs: number
  /** The node or client it happened to; `world` for what concerns all. */
  readonly node: string
  /** Which life of the node, from 1; 0 for clients and the world. */
  readonly incarnation: number
  /** The decision point, where it is one. */
  readonly index?: ExecutionIndex | undefined
  /** The other side of a message. */
  readonly peer?: string | undefined
  /** The fault that struck here. */
  readonly fault?: FaultKind | undefined
} & HappeningDetail

export type Happening = HappeningDetail & {
  readonly index?: ExecutionIndex | undefined
  readonly peer?: string | undefined
  readonly fault?: FaultKind | undefined
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** Writes down what happens, and keeps a hash of it. */
export class HistoryRecorder {
  readonly entries: HistoryEntry[] = []
  #low = 0x811c9dc5
  #high = 0x9e3779b9

  /** Takes the happening over, and makes an entry of it: copying would be the dearest part of many steps. */
  record(atMs: number, node: string, incarnation: number, happening: Happening, index = happening.index): void {
    // Who has recorded an object once may do so again.
    const entry = ((happening as Partial<HistoryEntry>).atMs === undefined ? happening : { ...happening }) as Writable<HistoryEntry>
    entry.atMs = atMs
    entry.node = node
    entry.incarnation = incarnation
    if (index !== undefined) entry.index = index
    this.entries.push(entry)
    let hash = hashNumber(atMs * TICKS_PER_MS, this.#low)
    hash = hashNumber(incarnation, hashText(node, hash))
    hash = hashText(happening.kind, hash)
    if (index !== undefined) hash = hashText(index, hash)
    this.#low = hashText(fingerprint(happening), hash)
    this.#high = mixed(this.#high ^ this.#low)
  }

  /** Equal for two runs in which the same things happened at the same times, in the same order. */
  get traceHash(): string {
    return this.#high.toString(16).padStart(8, '0') + this.#low.toString(16).padStart(8, '0')
  }
}

/** What is worth comparing of an entry besides its place: what went over a wire or became durable. */
function fingerprint(happening: Happening): string {
  switch (happening.kind) {
    case 'request':
      return JSON.stringify(happening.request) ?? ''
    case 'reply':
    case 'answer':
    case 'acknowledged':
    case 'refused':
      return happening.outcome.kind === 'done' ? (JSON.stringify(happening.outcome.result) ?? '') : happening.outcome.error
    case 'append':
    case 'poll':
      return happening.events.map(({ id }) => id).join()
    case 'offsets':
      return happening.positions.join()
    case 'send':
    case 'receive':
    case 'acknowledge':
    case 'reject':
    case 'lease-lost':
      return happening.messageId
    case 'note':
    case 'warning':
      return happening.text
    case 'fault-point':
      return happening.name
    default:
      return ''
  }
}
