/**
 * Crash at a named point: a process that kills itself, with SIGKILL, exactly where a simulation found that it must not die.
 *
 * The problem: a counterexample from a simulation is believed when the real process shows it too, and a kill from outside never hits the
 * microsecond between a commit and what follows it.
 * The guarantee: the points have the names that the simulation gives them (`orders.database:commit:after#2`, `orders.event-log:append:before#1`), and are
 * counted across restarts, in a file, so that the process dies there once.
 * Not promised: that a real process reaches a point as often as the simulated one did. It also migrates, seeds and retries by the clock; count from a
 * quiet process, or pass the number that its own run calls for.
 */
export { type CrashAtOptions, type CrashPoints, startCrashAt } from './crash-at.ts'
