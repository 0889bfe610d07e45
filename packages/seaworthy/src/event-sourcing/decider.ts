/** An event as the domain sees it: what happened, and its data beside `type`. JSON-able. */
export interface DomainEvent {
  readonly type: string
}

/** A command as the domain sees it. */
export interface DomainCommand {
  readonly type: string
}

/**
 * A piece of business logic as three pure functions. No clock, no randomness, no input or output: what they need comes in the command.
 * After Jérémie Chassaing, "Functional Event Sourcing Decider", 2021.
 */
export interface Decider<State, Command extends DomainCommand, Event extends DomainEvent> {
  /** The state before anything happened. A function, so that no two streams share an object. */
  readonly initial: () => State
  /** What happens in answer to the command; nothing is an answer too. Refuses by throwing a RejectedError. */
  readonly decide: (command: Command, state: State) => readonly Event[]
  /** The state after the event. Never refuses: the event has happened. */
  readonly evolve: (state: State, event: Event) => State
}

/** Declares a decider. It is the object itself; the call is there for the inference of its types. */
export function decider<State, Command extends DomainCommand, Event extends DomainEvent>(
  functions: Decider<State, Command, Event>,
): Decider<State, Command, Event> {
  return functions
}
