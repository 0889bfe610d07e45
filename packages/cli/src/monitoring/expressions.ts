/** Expressions over the metrics of `@seaworthy/telemetry/prometheus`, with the labels `service` and `instance` that a scrape gives them. */

/** Codes of gRPC by which a server says that the failure is its own, or nobody's. */
const SERVER_CODES = 'UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS'
/** Codes by which a server says that the caller asked for the wrong thing, or gave up. */
const CALLER_CODES =
  'CANCELLED|INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNAUTHENTICATED'

type Suffix = 'count' | 'bucket'

/** `a or b` over the HTTP metric and its sibling of gRPC: their other labels differ, so that both stay. */
const both = (metrics: readonly (readonly [name: string, matchers: string])[], suffix: Suffix, window: string): string =>
  metrics.map(([name, matchers]) => `rate(${name}_${suffix}${matchers === '' ? '' : `{${matchers}}`}[${window}])`).join(' or ')

const SERVED = ['http_server_request_duration_seconds', 'rpc_server_call_duration_seconds'] as const
const CALLED = ['http_client_request_duration_seconds', 'rpc_client_call_duration_seconds'] as const

/** Requests that a service got, by whatever wire. @param matchers of labels that both have, such as `service="orders"` */
export const served = (suffix: Suffix, window: string, matchers = ''): string =>
  both(
    SERVED.map((name) => [name, matchers]),
    suffix,
    window,
  )

/** Those of them that it failed. */
export const servedBadly = (window: string): string =>
  both(
    [
      [SERVED[0], 'http_response_status_code=~"5.."'],
      [SERVED[1], `rpc_response_status_code=~"${SERVER_CODES}"`],
    ],
    'count',
    window,
  )

/** Attempts of calls that a policy guards: `policy` is the callee, or what is asked of it. */
export const attempted = (suffix: Suffix, window: string, matchers = 'policy!=""'): string =>
  both(
    CALLED.map((name) => [name, matchers]),
    suffix,
    window,
  )

/** Those of them that brought no answer, or one by which the callee says that it failed. */
export const attemptedInVain = (window: string): string =>
  both(
    [
      [CALLED[0], 'policy!="",error_type!="",http_response_status_code!~"4.."'],
      [CALLED[1], `policy!="",error_type!="",rpc_response_status_code!~"${CALLER_CODES}"`],
    ],
    'count',
    window,
  )

/** A quantile of durations in seconds. @param buckets what `served` or `attempted` say of `bucket` */
export const quantile = (share: number, by: readonly string[], buckets: string): string =>
  `histogram_quantile(${share}, sum by (${[...by, 'le'].join(', ')}) (${buckets}))`

/** A matcher for any of the values. */
export const oneOf = (label: string, values: readonly string[]): string => `${label}=~"${values.join('|')}"`

/** The names of the recording rules, each with the labels that its series have. */
export const recorded = {
  /** `service` */
  requests: (window: string) => `service:requests:rate${window}`,
  /** `service`; 0 where all is well, absent where nobody asked. */
  errorRatio: (window: string) => `service:request_errors:ratio_rate${window}`,
  /** `service` */
  p99: 'service:request_seconds:p99_5m',
  /** `service`, `policy` */
  attempts: 'dependency:attempts:rate5m',
  /** `service`, `policy` */
  attemptErrorRatio: 'dependency:attempt_errors:ratio_rate5m',
  /** `service`, `policy` */
  attemptP99: 'dependency:attempt_seconds:p99_5m',
} as const
