import { observed, type Operation } from 'seaworthy/core'

/** A request as telemetry sees it, on `tracing:seaworthy:http-proxy.request:*`. */
export interface ObservedRequest {
  /** Its last byte went to the client, or never will. */
  end(outcome: { readonly status?: number; readonly failure?: string }): void
}

/** Nobody listens, or it has ended. */
export const UNOBSERVED: ObservedRequest = { end: () => {} }

const requests = observed('http-proxy.request')
const DONE = Promise.resolve()

/** Begins a request in the context of its operation, so that what it sends on names that as its parent. `describe` is called only if somebody listens. */
export function observeRequest(describe: () => Operation, begin: (request: ObservedRequest) => void): void {
  void requests.run(describe, (operation) => {
    if (operation === undefined) {
      begin(UNOBSERVED)
      return DONE
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    begin({
      end: ({ status, failure }) => {
        if (status !== undefined) operation.attributes['http.response.status_code'] = status
        // OpenTelemetry's conventions: from 500 on it is a failure.
        const isFailed = failure !== undefined || (status ?? 0) >= 500
        if (isFailed) {
          operation.attributes['error.type'] = status === undefined ? 'broken' : String(status)
          operation.failure = failure ?? `answered ${status}`
        }
        resolve()
      },
    })
    return promise
  })
}
