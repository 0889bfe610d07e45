import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { type CallContext, observed, type Operation, SeaworthyError, withContext } from 'seaworthy/core'

/** A piece of the proxy's work as telemetry sees it. */
export interface ObservedOperation {
  /** Its last byte was written, or never will be. Told once; later calls mean nothing. */
  end(outcome: OperationOutcome): void
  /** Runs `body` as part of it, also when much has happened since it began. */
  within(body: () => void): void
}

export interface OperationOutcome {
  readonly status?: number
  readonly failure?: string
  /** What was answered in the upstream's place, or why an attempt brought no answer. */
  readonly error?: unknown
}

/** Nobody listens, or it has ended. */
export const UNOBSERVED: ObservedOperation = { end: () => {}, within: (body) => body() }

const DONE = Promise.resolve()

/** Declares a kind of the proxy's work, on `tracing:seaworthy:http-proxy.<name>:*`. Nothing is computed unless somebody listens. */
function observedKind(name: 'request' | 'attempt') {
  const kind = observed(`http-proxy.${name}`)
  const channel = tracingChannel(`seaworthy:http-proxy.${name}`)
  const observe = (context: CallContext, describe: () => Operation, begin: (operation: ObservedOperation) => void): void => {
    if (!channel.hasSubscribers) {
      begin(UNOBSERVED)
      return
    }
    void withContext(context, () =>
      kind.run(describe, (operation) => {
        if (operation === undefined) {
          begin(UNOBSERVED)
          return DONE
        }
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        const within = AsyncLocalStorage.snapshot()
        begin({
          within,
          end: (outcome) => {
            note(operation, outcome)
            // An attempt that brought no answer ended by an error; a request was answered by one.
            if (name === 'attempt' && outcome.error !== undefined) reject(outcome.error)
            else resolve()
          },
        })
        return promise
      }),
    ).catch(() => {})
  }
  return Object.defineProperty(observe, 'isHeard', { get: () => channel.hasSubscribers }) as typeof observe & { readonly isHeard: boolean }
}

function note(operation: Operation, { status, failure, error }: OperationOutcome): void {
  if (status !== undefined) operation.attributes['http.response.status_code'] = status
  // OpenTelemetry's conventions: from 500 on it is a failure.
  const isFailed = failure !== undefined || (status ?? 0) >= 500
  const type = error instanceof SeaworthyError ? error.code : error !== undefined ? 'internal' : undefined
  if (isFailed || type !== undefined) operation.attributes['error.type'] = type ?? (status === undefined ? 'broken' : String(status))
  if (isFailed) operation.failure = failure ?? (error instanceof Error ? error.message : `answered ${status}`)
}

/** A request, from its head to the last byte of its answer. What it sends on names this operation as its parent. */
export const observeRequest = observedKind('request')

/** One attempt to get an answer from an upstream. */
export const observeAttempt = observedKind('attempt')
