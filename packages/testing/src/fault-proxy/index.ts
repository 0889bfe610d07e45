/**
 * Fault proxy: a TCP connection that goes bad when the test says so.
 *
 * The problem: loopback never delays, tears or loses anything, so whatever is tested over it has met one network only, the best.
 * The guarantee: bytes arrive whole and in order for as long as no toxic cuts them off; what a toxic does is drawn from the Random and timed by the
 * Clock that were given; a slow receiver slows its sender down; buffers are bounded; and each toxic counts what it did, so that a test can tell a
 * fault that was survived from one that never happened.
 * Not promised: packets are not lost, doubled or reordered, because TCP hides all three from both ends. A target that refuses is seen as
 * a connection that is reset, since the proxy had accepted it by then.
 */
export { type FaultProxy, type FaultProxyOptions, startFaultProxy } from './fault-proxy.ts'
export { type Afflictions, type Effect, type Effects, type Toxics } from './toxics.ts'
