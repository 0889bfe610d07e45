import type { RequestEnd } from '@seaworthy/http-proxy'

/** What the access log says of a request: no query, in which people put secrets. */
export function accessLine(end: RequestEnd): object {
  const { method, target, status, outcome, correlationId, clientAddress, destination, answerMs, durationMs } = end
  return {
    method,
    path: target.split('?', 1)[0],
    status,
    outcome,
    correlationId,
    clientAddress,
    ...(destination !== undefined && { route: destination.path, upstream: destination.upstream.name }),
    ...(answerMs !== undefined && { answerMs: rounded(answerMs) }),
    durationMs: rounded(durationMs),
  }
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100
