import {
  type Backoff,
  type CallContext,
  type Clock,
  type Database,
  type NewId,
  type Random,
  type Transaction,
  ConfigurationError,
  ConflictError,
  backoffMs,
  contextOrRoot,
  exponential,
  newId,
  observed,
  propagated,
  sleep,
  systemClock,
  systemRandom,
} from 'seaworthy/core'
import type { Decider, DomainCommand, DomainEvent } from './decider.ts'
import { WrongExpectedVersionError } from './errors.ts'
import type { EventStore, ExpectedVersion, NewStoredEvent } from './event-store.ts'
import type { EventTypes } from './event-types.ts'
import { type FoldedStream, type LoadedStream, loadStream } from './load-stream.ts'
import { type StreamMoment, replayStream } from './replay.ts'
import { Snapshots } from './snapshot.ts'

export interface CommandHandlerOptions<State, Command extends DomainCommand, Event extends DomainEvent> {
  readonly decider: Decider<State, Command, Event>
  readonly events: EventTypes<Event>
  readonly store: EventStore
  readonly database: Database
  /** Version of the state's shape. Raise it when `evolve` or the state changes: older snapshots are then ignored. */
  readonly schemaVersion: number
  /**
   * A snapshot once so many events were read or stored since the last. The state must be JSON-able. Default: none. `Infinity` uses those alone that are taken
   * on demand.
   */
  readonly snapshotEvery?: number
  /** A snapshot with the next events once the last one, or the first event where there is none, is so old. Default: none. */
  readonly snapshotAfterMs?: number
  /** How often a command is decided again when somebody else appended meanwhile. Default 5. */
  readonly conflictRetriesMax?: number
  readonly clock?: Clock
  readonly random?: Random
  readonly newId?: NewId
}

export interface CommandOptions {
  /** Default: the current context. Its signal ends the wait. */
  readonly context?: CallContext
  /** Makes repeating safe: a command whose events the stream holds already is not decided again. A command that caused no event leaves no trace. */
  readonly commandId?: string
}

export interface CommandResult<State, Event> {
  /** The state of the stream now. */
  readonly state: State
  /** The version that the command's events led to; the stream's, when it caused none. */
  readonly version: number
  /** What the command caused, in today's shape. */
  readonly events: readonly Event[]
  /** True when the command had been executed before. */
  readonly repeated: boolean
}

export interface CommandHandler<State, Command extends DomainCommand, Event extends DomainEvent> {
  /**
   * Loads, decides and appends if the stream is then as it was loaded, again when somebody else was faster. In one transaction; where the store has a better way for
   * appends by themselves (`appendAlone`), it reads outside of one, and only the append, with the snapshot that is due with it, is one.
   * @throws WrongExpectedVersionError when it lost every race; UnknownEventError; whatever `decide` throws
   */
  execute(stream: string, command: Command, options?: CommandOptions): Promise<CommandResult<State, Event>>
  /** The same in the caller's transaction, so that outbox rows and the like commit with the events. A conflict is the caller's to retry. */
  executeIn(tx: Transaction, stream: string, command: Command, options?: CommandOptions): Promise<CommandResult<State, Event>>
  /** The state and version of a stream; the initial state and 0 when it does not exist. */
  load(stream: string, tx?: Transaction): Promise<LoadedStream<State>>
  /** The state as it was at a moment, by the code of today: from the first event on, without snapshots. */
  loadAt(stream: string, moment: StreamMoment): Promise<LoadedStream<State>>
  /**
   * Takes a snapshot now. @returns the version that it sums up; undefined when the stream does not exist, or its state does not survive JSON
   * @throws ConfigurationError when the handler uses no snapshots
   */
  takeSnapshot(stream: string): Promise<number | undefined>
}

/** What a command comes to on a stream as it was loaded. */
interface Decision<State, Event> {
  readonly loaded: FoldedStream<State>
  readonly events: readonly Event[]
  readonly toStore: readonly NewStoredEvent[]
  readonly expected: ExpectedVersion
  /** With the events. */
  readonly state: State
}

const CONFLICT_RETRIES_MAX = 5
const CONFLICT_BACKOFF: Backoff = exponential({ baseMs: 5, maxMs: 100 })
const command = observed('event-sourcing.command')

/** Executes commands of a decider against streams of an event store. */
export function commandHandler<State, Command extends DomainCommand, Event extends DomainEvent>(
  options: CommandHandlerOptions<State, Command, Event>,
): CommandHandler<State, Command, Event> {
  return new StreamCommandHandler(options)
}

class StreamCommandHandler<State, Command extends DomainCommand, Event extends DomainEvent> implements CommandHandler<
  State,
  Command,
  Event
> {
  readonly #options: CommandHandlerOptions<State, Command, Event>
  readonly #clock: Clock
  readonly #random: Random
  readonly #newId: NewId
  readonly #snapshots: Snapshots<State>

  constructor(options: CommandHandlerOptions<State, Command, Event>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#newId = options.newId ?? newId
    this.#snapshots = new Snapshots({ ...options, clock: this.#clock })
  }

  async execute(stream: string, message: Command, options: CommandOptions = {}): Promise<CommandResult<State, Event>> {
    const context = options.context ?? contextOrRoot()
    const { conflictRetriesMax = CONFLICT_RETRIES_MAX } = this.#options
    const { signal } = context
    return command.run(
      () => ({
        name: `execute ${message.type}`,
        kind: 'internal',
        attributes: { 'seaworthy.command': message.type, 'seaworthy.stream': stream, 'seaworthy.correlation_id': context.correlationId },
      }),
      async (operation) => {
        for (let attempt = 1; ; attempt++) {
          try {
            const result = await this.#attempt(stream, message, { ...options, context })
            if (operation !== undefined) operation.attributes['seaworthy.stream.version'] = result.version
            return result
          } catch (error) {
            const before = await this.#resultWhereKnown(stream, options, error)
            if (before !== undefined) return before
            if (!(error instanceof WrongExpectedVersionError) || attempt > conflictRetriesMax) throw error
            if (operation !== undefined) operation.attributes['seaworthy.conflicts'] = attempt
          }
          await sleep(this.#clock, backoffMs(CONFLICT_BACKOFF, attempt, this.#random), signal)
        }
      },
    )
  }

  async executeIn(tx: Transaction, stream: string, message: Command, options: CommandOptions = {}): Promise<CommandResult<State, Event>> {
    const decision = await this.#decide(stream, message, options, tx)
    return 'toStore' in decision ? this.#storeIn(tx, stream, decision, options) : decision
  }

  async load(stream: string, tx?: Transaction): Promise<LoadedStream<State>> {
    const { state, version, snapshotVersion } = await this.#fold(stream, tx)
    return { state, version, snapshotVersion }
  }

  async loadAt(stream: string, moment: StreamMoment): Promise<LoadedStream<State>> {
    let state = this.#options.decider.initial()
    let version = 0
    for await (const { stored, after } of replayStream({ ...this.#options, stream, until: moment })) {
      state = after
      version = stored.version
    }
    return { state, version, snapshotVersion: 0 }
  }

  async takeSnapshot(stream: string): Promise<number | undefined> {
    if (!this.#snapshots.areUsed) {
      throw new ConfigurationError('This command handler uses no snapshots, so one would never be read. Give it snapshotEvery: Infinity.')
    }
    return this.#options.database.transaction(async (tx) => {
      const { state, version } = await this.#fold(stream, tx)
      return version > 0 && (await this.#snapshots.save(tx, stream, version, state)) ? version : undefined
    })
  }

  /** @throws WrongExpectedVersionError when somebody else was faster */
  async #attempt(
    stream: string,
    message: Command,
    options: CommandOptions & { readonly context: CallContext },
  ): Promise<CommandResult<State, Event>> {
    const { database, store } = this.#options
    const { signal } = options.context
    const within = signal && { signal }
    if (store.appendAlone === undefined) return database.transaction((tx) => this.executeIn(tx, stream, message, options), within)
    signal?.throwIfAborted()
    // What was read may be out of date by the append, in a transaction as outside of one: the version tells.
    const decision = await this.#decide(stream, message, options, undefined)
    if (!('toStore' in decision)) return decision
    const { loaded, events, toStore, expected } = decision
    // A snapshot belongs into the transaction of the last event that it sums up.
    if (this.#snapshots.isDue(loaded, loaded.version + events.length)) {
      return database.transaction((tx) => this.#storeIn(tx, stream, decision, options), within)
    }
    const version = await store.appendAlone(stream, toStore, expected, within)
    return (await this.#resultOfRival(undefined, stream, { decision, version, options })) ?? resultOf(decision, version)
  }

  /** Nothing is stored yet. @returns what is to be stored; or the result, when nothing is */
  async #decide(
    stream: string,
    message: Command,
    options: CommandOptions,
    tx: Transaction | undefined,
  ): Promise<Decision<State, Event> | CommandResult<State, Event>> {
    const { decider } = this.#options
    const loaded = await this.#fold(stream, tx)
    if (options.commandId !== undefined) {
      const before = await this.#resultOfBefore(tx, stream, options.commandId, loaded)
      if (before !== undefined) return before
    }
    const events = decider.decide(message, loaded.state)
    if (events.length === 0) return { state: loaded.state, version: loaded.version, events, repeated: false }
    // A loop and not `reduce(evolve)`: reduce would hand evolve an index and the array, too.
    let state = loaded.state
    for (const event of events) state = decider.evolve(state, event)
    return { loaded, events, toStore: this.#toStore(events, options), expected: loaded.version === 0 ? 'no-stream' : loaded.version, state }
  }

  async #storeIn(
    tx: Transaction,
    stream: string,
    decision: Decision<State, Event>,
    options: CommandOptions,
  ): Promise<CommandResult<State, Event>> {
    const { loaded, toStore, expected, state } = decision
    const version = await this.#options.store.append(tx, stream, toStore, expected)
    const before = await this.#resultOfRival(tx, stream, { decision, version, options })
    if (before !== undefined) return before
    if (this.#snapshots.isDue(loaded, version)) await this.#snapshots.save(tx, stream, version, state)
    return resultOf(decision, version)
  }

  /**
   * What the command came to where somebody executed it meanwhile, on a later state of the stream than was loaded here: then the store has kept their events, and what was
   * decided here is neither their result nor a state that the stream ever had.
   */
  async #resultOfRival(
    tx: Transaction | undefined,
    stream: string,
    { decision, version, options }: { decision: Decision<State, Event>; version: number; options: CommandOptions },
  ): Promise<CommandResult<State, Event> | undefined> {
    const isOwn = version === decision.loaded.version + decision.events.length
    if (isOwn || options.commandId === undefined) return undefined
    return this.#resultOfBefore(tx, stream, options.commandId, decision.loaded)
  }

  async #fold(stream: string, tx: Transaction | undefined): Promise<FoldedStream<State>> {
    const folded = await loadStream({ ...this.#options, useSnapshot: this.#snapshots.areUsed, stream, tx })
    if (folded.newerSnapshot !== undefined) this.#snapshots.warnOfNewer(stream, folded.newerSnapshot)
    return folded
  }

  /** What the command did when it was executed before: its events stand together, under ids made from its own. */
  async #resultOfBefore(
    tx: Transaction | undefined,
    stream: string,
    commandId: string,
    loaded: LoadedStream<State>,
  ): Promise<CommandResult<State, Event> | undefined> {
    const { store, events } = this.#options
    let found = await store.find(stream, eventId(commandId, 0), tx)
    if (found === undefined) return undefined
    let version = 0
    const caused: Event[] = []
    while (found !== undefined) {
      version = found.version
      caused.push(events.read(found))
      found = await store.find(stream, eventId(commandId, caused.length), tx)
    }
    // It may have been executed since the stream was loaded.
    const { state } = version > loaded.version ? await this.#fold(stream, tx) : loaded
    return { state, version, events: caused, repeated: true }
  }

  /** As that of a rival: of another number of events, so that the store has refused those that were decided here. */
  async #resultWhereKnown(stream: string, { commandId }: CommandOptions, error: unknown): Promise<CommandResult<State, Event> | undefined> {
    if (commandId === undefined || !(error instanceof ConflictError) || error instanceof WrongExpectedVersionError) return undefined
    return this.#resultOfBefore(undefined, stream, commandId, await this.#fold(stream, undefined))
  }

  #toStore(events: readonly Event[], options: CommandOptions): readonly NewStoredEvent[] {
    const { commandId } = options
    const context = propagated(options.context ?? contextOrRoot())
    return events.map((event, index) => ({
      id: commandId === undefined ? this.#newId() : eventId(commandId, index),
      ...this.#options.events.write(event),
      context: commandId === undefined ? context : { ...context, causationId: commandId },
    }))
  }
}

function resultOf<State, Event>({ state, events }: Decision<State, Event>, version: number): CommandResult<State, Event> {
  return { state, version, events, repeated: false }
}

function eventId(commandId: string, index: number): string {
  return `${commandId}/${index}`
}
