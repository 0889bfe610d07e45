/**
 * System: what a system is made of, as data: bounded contexts, services, what each owns, publishes and may call.
 *
 * The problem: the rules of who may call whom and who owns which data live in heads and on wikis, and drift.
 * The guarantee: a declaration is checked when it is made: one owner for each database and topic, no call to a service that does not exist, no reaction to an
 * event that nobody publishes.
 * Not promised: nothing here starts a process or connects to one.
 */
export { type Lifecycle, lifecycle, type LifecycleOptions, onTerminationSignals, type Part, StopError } from './lifecycle.ts'
export { type Listening, listening } from './listening.ts'
export { type ChoreographedEvent, type Choreography, choreography, choreographyGraph } from './choreography.ts'
export { type DeclaredEvent, type Reaction, assertDeclared, reaction } from './reaction.ts'
export { type ServiceDeclaration, type ServiceRole, type Service, calleeOf, defineService } from './service.ts'
export type { StageOptions } from './stage.ts'
export { type Route, type System, type SystemDeclaration, defineSystem } from './system.ts'
