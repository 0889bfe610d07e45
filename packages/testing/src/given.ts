import assert from 'node:assert/strict'
import { RejectedError } from 'seaworthy/core'
import type { Decider, DomainCommand, DomainEvent } from 'seaworthy/event-sourcing'

/** What a decider made of a command, to be asserted. */
export interface Then<State, Event> {
  /** Exactly these events, in this order. None: the command changes nothing. */
  thenEvents(...expected: readonly Event[]): Then<State, Event>
  /** The state after them. */
  thenState(expected: State): Then<State, Event>
  /** A refusal with this reason. */
  thenRejected(reason: string): void
}

/**
 * A decider's test as a sentence: `given(account, opened(), deposited(100)).when(withdraw(30)).thenEvents(withdrawn(30))`.
 * The history is folded, the command decided, and nothing else happens.
 */
export function given<State, Command extends DomainCommand, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  ...history: readonly Event[]
): { when(command: Command): Then<State, Event> } {
  const foldFrom = (state: State, events: readonly Event[]) => {
    let folded = state
    for (const event of events) folded = decider.evolve(folded, event)
    return folded
  }
  return {
    when(command) {
      const before = foldFrom(decider.initial(), history)
      const outcome = decided(() => decider.decide(command, before))
      const events = () => {
        if (outcome.kind === 'threw') throw outcome.error
        return outcome.events
      }
      const then: Then<State, Event> = {
        thenEvents(...expected) {
          assert.deepEqual(events(), expected)
          return then
        },
        thenState(expected) {
          assert.deepEqual(foldFrom(before, events()), expected)
          return then
        },
        thenRejected(reason) {
          if (outcome.kind === 'decided') assert.fail(`${command.type} was not rejected, but caused ${JSON.stringify(outcome.events)}.`)
          // Anything else than a rejection is a bug in the decider: show it as it is.
          if (!(outcome.error instanceof RejectedError)) throw outcome.error
          assert.equal(outcome.error.reason, reason)
        },
      }
      return then
    },
  }
}

type Outcome<Event> = { readonly kind: 'decided'; readonly events: readonly Event[] } | { readonly kind: 'threw'; readonly error: unknown }

function decided<Event>(decide: () => readonly Event[]): Outcome<Event> {
  try {
    return { kind: 'decided', events: decide() }
  } catch (error) {
    return { kind: 'threw', error }
  }
}
