import type { Clock, NewId, Random } from 'seaworthy/core'
import type { EventLog, Queue } from 'seaworthy/messaging'
import type { SqliteDatabase } from 'seaworthy/sqlite'
import type { QueueOptions } from '../engines/stored-queue.ts'
import type { DatabaseOptions } from '../engines/sqlite.ts'
import type { Handlers, Transport } from '../engines/transport.ts'
import type { Incarnation } from './incarnation.ts'

/** What one life of a node is given. Everything is bound to that life: after a crash nothing of it settles, and nothing of it has an effect. */
export interface NodePorts {
  readonly name: string
  /** Its wall clock is a little wrong, and may jump; its monotonic clock counts from somewhere else in each life. */
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly transport: Transport
  /** One event log for all nodes. */
  readonly eventLog: EventLog
  /** The queue of this name, one for all nodes. */
  readonly queue: (name: string, options?: QueueOptions) => Queue
  /** Opens a database of the node's own, which survives its crashes: SQLite in memory, under production's group commit. */
  readonly database: (options?: DatabaseOptions) => Promise<SqliteDatabase>
  /**
   * An engine of the system's own that all nodes share and that survives crashes, such as an external payment provider or another database. Made once a
   * history. Bind what you hand out of it to `process`.
   */
  readonly shared: <T extends object>(name: string, create: () => T) => T
  /** Writes a line into the history, for a person or a checker. */
  readonly note: (text: string, data?: unknown) => void
  /** For engines: decision points, latency, and the life that they belong to. */
  readonly process: Incarnation
}

/** A service under simulation: its composition, as in its main.ts, over the ports it is given. */
export interface NodeDefinition {
  readonly name: string
  readonly start: (ports: NodePorts) => Promise<Handlers | void>
}

/** How a client calls. */
export interface ClientCallOptions {
  /** Sent with every attempt. Default: a key of this call's own. `null`: without a key, and then what may have been executed is not tried again. */
  readonly key?: string | null
  /** For one attempt. Default 2,000 ms. */
  readonly attemptTimeoutMs?: number
  /** Attempts at most. Default: until there is an answer. */
  readonly attemptsMax?: number
}

export interface ClientPorts {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  /**
   * Calls a node and tries again until it has an answer, as far as that is safe. What it was told is written down as `acknowledged` or `refused`.
   * @throws the last error, when trying again is not safe, or cannot help
   */
  readonly call: <Answer = unknown>(node: string, method: string, request: unknown, options?: ClientCallOptions) => Promise<Answer>
  /** Waits in virtual time. */
  readonly sleep: (delayMs: number) => Promise<void>
  readonly note: (text: string, data?: unknown) => void
}

/** Somebody who uses the system. It does not crash, but its messages go astray. */
export interface ClientDefinition {
  readonly name: string
  readonly run: (ports: ClientPorts) => Promise<void>
}

/** What is simulated. */
export interface System {
  readonly nodes: readonly NodeDefinition[]
  readonly clients: readonly ClientDefinition[]
}

/** Declares a node. `start` is called for each of its lives. It wires the service and returns what it answers to. */
export function node(name: string, start: (ports: NodePorts) => Promise<Handlers | void>): NodeDefinition {
  return { name, start }
}

/** Declares a client. */
export function client(name: string, run: (ports: ClientPorts) => Promise<void>): ClientDefinition {
  return { name, run }
}
