import { type RequestListener, type Server, createServer } from 'node:http'

/** How long a client may take to send a whole request, in milliseconds: 8 MiB in that time are 2 Mbit/s. */
const REQUEST_TIMEOUT_MS = 30_000
const HEADERS_TIMEOUT_MS = 10_000
/** How often Node looks for requests that are late: that much later they end. */
const LOOK_EVERY_MS = 2_000

/**
 * A server that waits for no sender for long. Each request that has begun holds one of the few places of the intake (`intake/admission.ts`), so that Node's default of five
 * minutes would let sixteen that are never finished keep all others out for as long. Who is late gets 408, and the connection ends. Answers may take as long as they like.
 */
export function httpServer(routing: RequestListener, requestTimeoutMs = REQUEST_TIMEOUT_MS): Server {
  const limits = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs),
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, requestTimeoutMs),
  }
  return createServer(limits, routing)
}
