import { ConfigurationError } from 'seaworthy/core'
import type { EventType } from 'seaworthy/messaging'
import type { Service } from './service.ts'

/** A type of events by its name, and the topic that they are published on. */
export interface DeclaredEvent {
  readonly type: string
  readonly topic: string
}

/** What a service does about an event: a step of a choreography. */
export interface Reaction {
  readonly to: DeclaredEvent
  /** In a few words: `sets the credit limit`. */
  readonly does: string
  /** Types of its own events that may follow. */
  readonly followedBy: readonly string[]
}

/** Declares what a service does about an event, and which of its own events may follow. */
export function reaction(
  to: Pick<EventType<never>, 'type' | 'topic'>,
  { does, followedBy = [] }: { readonly does: string; readonly followedBy?: readonly Pick<EventType<never>, 'type'>[] },
): Reaction {
  return { to: { type: to.type, topic: to.topic }, does, followedBy: followedBy.map(({ type }) => type) }
}

/**
 * Holds a handler against what its service declares, so that the declared choreography is the one that runs.
 * @throws ConfigurationError when it handles an event that the service does not declare a reaction to, or does not handle one that it declares
 */
export function assertDeclared(
  { name, reactions }: Pick<Service, 'name' | 'reactions'>,
  handler: { readonly types: readonly string[] },
): void {
  const declared = reactions.map(({ to }) => to.type)
  const undeclared = handler.types.find((type) => !declared.includes(type))
  if (undeclared !== undefined) {
    throw new ConfigurationError(
      `Service ${name} reacts to ${undeclared}, and does not say so. Add reaction(…) to the \`reactions\` of its declaration; it has: ${declared.join(', ') || 'none'}.`,
    )
  }
  const unhandled = declared.find((type) => !handler.types.includes(type))
  if (unhandled !== undefined) {
    throw new ConfigurationError(
      `Service ${name} declares a reaction to ${unhandled}, and has no handler for it. Add one, or take the declaration away.`,
    )
  }
}
