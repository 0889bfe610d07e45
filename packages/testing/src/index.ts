/** What users need to test what they build on the library: a virtual clock, in-memory ports, and the contract suite of every port. */
export { type PendingTimer, VirtualClock } from './virtual-clock.ts'
