/**
 * The gateway: one public address in front of a monolith and its services.
 *
 * The problem: while services are restarted, moved and taken out of a monolith, their users must not notice.
 * The guarantee: a request goes to the upstream of its route or is refused; one that was surely not executed waits for an
 * upstream that is away and is tried again; an answer that breaks off is seen to break off. A route that moves does so by a share that is written down
 * before it holds, keeps each user on one side, and goes back at once.
 * Not promised: a request that reached an upstream which then died is repeated only if that does no harm.
 */
export { defaultLimits, type GatewayLimits } from './limits.ts'
export { type GatewayLog } from './log.ts'
export { type Readiness, type ReadinessGate, type ShiftQuestion } from './readiness-gate.ts'
export { type Mirror, type MirrorCandidate } from './mirror.ts'
export { StranglerGateway, type StranglerGatewayOptions } from './strangler/strangler-gateway.ts'
export { type GatewayFile, parseGatewayFile, readGatewayFile } from './strangler/gateway-file.ts'
