import type { CallContext } from 'seaworthy/core'

/** Who is served first when not all can be. `sheddable`: somebody will try again, or nobody minds. */
export type Priority = 'critical' | 'normal' | 'sheddable'

/** The most important first. */
export const PRIORITIES: readonly Priority[] = ['critical', 'normal', 'sheddable']

/** Tells the priority of a call from its context: by its actor, say. */
export type PriorityOf = (context: CallContext) => Priority
