import type { ClientBase } from 'pg'

/** An event that a test adds. */
export interface OutboxEvent {
  /** A UUID. */
  readonly id: string
  /** Events of one key must keep the order of their commits. */
  readonly key: string
  /** Its number in its key, from 1, as the test counts them. */
  readonly number: number
  /** What a handler is to do with it; absent: write its effect. */
  readonly poison?: 'throws' | 'hangs' | 'kills'
}

/** What a relay publishes: the event's own id and key, and in `envelope` whatever the product sends along. It is stored and handed to consumers as it is. */
export interface Message {
  readonly id: string
  readonly key: string
  readonly envelope: unknown
}

/** A message with its place in the log. */
export interface LogEntry extends Message {
  /** From 0. */
  readonly offset: number
}

/**
 * A part that runs as a process of its own, so that it can be killed: a function that runs in a Node process of the kit, or the command line of a
 * program in any language, which finds what the function is given in its environment (`docs/2-communication/conformance.md` has the protocol).
 */
export type Role<Context> =
  | {
      /** Starts it. The process goes on until it is killed, whether this settles or not. */
      run(context: Context): Promise<void>
    }
  | { readonly command: readonly [program: string, ...args: string[]] }

export interface RelayContext {
  /** Of the database that `setup` was given, by a way on which the kit may hold up bytes. */
  readonly databaseUrl: string
  /** A name unlike that of any other process. */
  readonly instance: string
  /** Settles when the broker has stored the messages, in their order, and confirmed. Rejects when it refuses; whether it stored them is not known then. */
  readonly publish: (messages: readonly Message[]) => Promise<void>
}

/** Runs a statement in the handler's transaction. Parameters are $1, $2 … */
export type Execute = (sql: string, parameters: readonly (string | number)[]) => Promise<unknown>

export interface ConsumerContext {
  readonly databaseUrl: string
  readonly instance: string
  /** The log of what was published, with the offset from which this consumer goes on after a restart. All processes of a consumer share it. */
  readonly log: {
    /** Entries from `from` on, at most `max`; waits up to `waitMs` for the first one. */
    read(options: { from: number; max: number; waitMs: number }): Promise<readonly LogEntry[]>
    /** The next offset to be handled. */
    committed(): Promise<number>
    commit(next: number): Promise<void>
  }
  /** The handler: writes the effect of the event by `execute`, or misbehaves as its `poison` says. */
  readonly handle: (event: OutboxEvent, execute: Execute) => Promise<void>
  /** Attempts of a message, an attempt's time in milliseconds, and how long the id of a handled message is kept, in milliseconds. */
  readonly limits: { readonly attemptsMax: number; readonly handlerTimeoutMs: number; readonly windowMs: number }
}

export type ConsumerRole = Role<ConsumerContext> & {
  /** Whether the inbox still knows the id of a handled message. */
  remembers(client: ClientBase, id: string): Promise<boolean>
  /** The ids of messages that were set aside: dead letters, or however the product calls them. */
  setAside(client: ClientBase): Promise<readonly string[]>
}

/** What a product does not have, in a sentence that says why. It is reported as that, neither as a pass nor as a fail. */
export interface Lacks {
  readonly doesNotHave: string
}

/** The product as the service has it that adds events. */
export interface Application {
  /** Adds events to the transaction that is open on the client, as the service's own transactions do. */
  add(client: ClientBase, events: readonly OutboxEvent[]): Promise<void>
  /** A transaction with one event, through the handle that the documentation would have a process share. Called by many writers at one time. */
  append(event: OutboxEvent): Promise<void>
  close(): Promise<void>
}

/** A transactional outbox on PostgreSQL, as the kit drives it: the default export of an adapter's file. */
export interface OutboxAdapter {
  readonly name: string
  readonly version: string
  /** What was chosen where the product leaves a choice, a sentence each. It stands below the table of results. */
  readonly configuration: readonly string[]
  /** Makes the product's tables in an empty database. */
  setup(database: { readonly url: string }): Promise<void>
  application(database: { readonly url: string }): Promise<Application>
  readonly relay: Role<RelayContext>
  readonly consumer: ConsumerRole | Lacks
  /** What the documentation says to do after a replication slot was lost. Absent: nothing. */
  recover?(database: { readonly url: string }): Promise<void>
}
