import { channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel'
import type { SpanReference, TraceHeaders } from './call-context.ts'
import type { Clock } from './clock.ts'

/** A piece of work, described for whoever listens. Names and attributes follow OpenTelemetry's semantic conventions. */
export interface Operation {
  /** Low in cardinality: `POST /api/checkout`, `orders publish`, never with an id in it. */
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** May be added to until the work ends, for what is known only then. */
  readonly attributes: Record<string, string | number | boolean>
  /** The remote parent, where it came with a request or a message. Absent: the operation in progress is the parent. */
  readonly parent?: TraceHeaders | undefined
  /** When it began, in milliseconds since the epoch, if that was before now: a message that waited in the outbox. */
  readonly startedAtMs?: number | undefined
  /** Set by the work itself when it ended badly without throwing: an HTTP 500, a rejected saga step. */
  failure?: string | undefined
  /** Other work that this one has to do with and that did not cause it: whoever held a lock that it waited for. May be set until the work ends. */
  links?: readonly OperationLink[] | undefined
}

/** Work in another trace, or in another branch of this one. */
export interface OperationLink extends SpanReference {
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** A wait that belongs to no work of its own: it is counted for the operation in progress. Times on the monotonic clock, in milliseconds. */
export interface Wait {
  /** The attribute that counts such waits, as in `seaworthy.time.admission_wait_ms`. */
  readonly attribute: string
  readonly sinceMs: number
  readonly untilMs: number
}

const waits = channel('seaworthy:wait')

/**
 * Tells how long `wait` takes, whatever comes of it, to whoever listens to the channel `seaworthy:wait`: in the context of whoever waits, not of whoever ends the
 * wait. The promise itself, if nobody listens.
 */
export function countedWait<T>(attribute: string, clock: Clock, wait: Promise<T>): Promise<T> {
  if (!waits.hasSubscribers) return wait
  const sinceMs = clock.monotonicMs()
  return wait.finally(() => waits.publish({ attribute, sinceMs, untilMs: clock.monotonicMs() } satisfies Wait))
}

/**
 * A kind of work that can be observed. Nothing is computed unless somebody listens: `node:diagnostics_channel`
 * tells whether anyone does. The channels are `tracing:seaworthy:<pattern>.<operation>:start` and so on.
 */
export interface Observed {
  /** Runs `body` and publishes its start, end and error. `describe` is called only when somebody listens; the body gets what it returned. */
  run<T>(describe: () => Operation, body: (operation: Operation | undefined) => Promise<T>): Promise<T>
}

export type OperationChannel = TracingChannel<unknown, Operation>

const channels = new Map<string, OperationChannel>()
const watchers = new Set<(name: string, channel: OperationChannel) => void>()

/** Declares a kind of work under the name `<pattern>.<operation>`, as in `saga.step`. */
export function observed(name: string): Observed {
  let declared = channels.get(name)
  if (declared === undefined) {
    declared = tracingChannel<unknown, Operation>(`seaworthy:${name}`)
    channels.set(name, declared)
    for (const watch of watchers) watch(name, declared)
  }
  const traced = declared
  return {
    run<T>(describe: () => Operation, body: (operation: Operation | undefined) => Promise<T>): Promise<T> {
      if (!traced.hasSubscribers) return body(undefined)
      const operation = describe()
      return traced.tracePromise<unknown, [], T>(() => body(operation), operation)
    },
  }
}

/** Calls `watch` for every kind of work there is, and for each that is declared later. @returns a function that stops it */
export function watchOperations(watch: (name: string, channel: OperationChannel) => void): () => void {
  for (const [name, declared] of channels) watch(name, declared)
  watchers.add(watch)
  return () => watchers.delete(watch)
}
