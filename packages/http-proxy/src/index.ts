/**
 * A data plane for HTTP/1.1 and HTTP/2, with TLS and without: what stands between a client and the services of a system.
 *
 * The problem: two programs on the way of a request that read its bytes differently let one client speak for another; and a proxy
 * that hides an abort, a broken answer or a full buffer makes every failure behind it look like something else.
 * The guarantee: what decides framing and routing is parsed strictly and written anew, and what could be read in two ways is refused;
 * both bodies stream with back-pressure; a client that leaves is gone for the upstream at once, and an answer that breaks off is seen to break off.
 * Not promised: HTTP/3, certificates of clients, compression, caching. A request that was sent and not answered is repeated only if
 * its method is safe and its connection had served before, or the upstream said that it had not looked at it.
 */
export { createHttpProxy, type HttpProxyOptions } from './http-proxy.ts'
export { createProxyServer, type HttpProxy, type ProxyServerOptions } from './proxy-server.ts'
export { type ProxyParts, proxyParts, type ProxyPartsOptions } from './proxy-parts.ts'
export { type Destination, type Destinations, type RoutableRequest } from './destination.ts'
export { type AttemptFailure, type ForwardedRequest, type Forwarding, type Upstream } from './forwarding.ts'
export { type AnswerTapOptions, tapAnswers, type TappedAnswer } from './answer-tap.ts'
export { type UpstreamPool, type UpstreamPoolOptions, upstreamPool } from './upstream-pool.ts'
export { type AddressedUpstream, UpstreamAddress, type UpstreamTls } from './upstream-address.ts'
export { type Certificate, CertificateError, checkCertificate } from './tls/certificates.ts'
export { type RequestEnd } from './request-end.ts'
export { type ResponseHead } from './head.ts'
export { defaultLimits, type HttpProxyLimits } from './limits.ts'
export { compilePaths, compileRoutes, type PathEntry, type PathTable, type Router, shapeOf } from './router.ts'
export { isSafe } from './methods.ts'
export { fieldValues } from './field-values.ts'
export { Fields } from './head.ts'
export { canonicalSegments } from './canonical-path.ts'
export { growYoungGenerationAtOnce } from './young-generation.ts'
export { type ProblemAnswer, problemAnswer, type ProblemMessage, rawProblem, RefusedRequestError } from './problem.ts'
