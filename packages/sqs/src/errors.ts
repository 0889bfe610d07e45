import { ConfigurationError, LimitExceededError, SeaworthyError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'

/** SQS understood the request and refused it: a permission, a policy, a parameter. It had no effect, and asking again changes nothing. */
export class SqsError extends SeaworthyError {
  /** SQS's own name for it: `AccessDenied`, `KmsDisabled`. */
  readonly awsError: string

  constructor(message: string, awsError: string, options: { cause?: unknown } = {}) {
    super('sqs', message, { ...options, executed: 'no', final: true })
    this.awsError = awsError
  }
}

/** What the SDK says about a request that failed. */
interface AwsFailure {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $fault?: 'client' | 'server'
  readonly $metadata?: { readonly attempts?: number; readonly httpStatusCode?: number }
}

// Nothing was sent, if it was the first attempt that ended so.
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/**
 * The error of a request to SQS.
 * @param changes whether the request changes anything: one that only looks is safe to repeat, whatever became of it
 */
export function typed(error: unknown, { what, changes }: { what: string; changes: boolean }): SeaworthyError {
  if (error instanceof SeaworthyError) return error
  const { name = 'Error', message = '', code = '', $fault, $metadata = {} } = error as AwsFailure
  if (name === 'CredentialsProviderError')
    return new ConfigurationError(
      `${what}: the AWS SDK found no credentials. Give the process a role, or set what its credential chain looks for.`,
      {
        cause: error,
      },
    )
  if (isThrottling(name))
    return new UnavailableError(`${what}: SQS takes fewer requests than were made. Send in larger batches, or ask for a higher quota.`, {
      retryAfterMs: 1_000,
      cause: error,
    })
  if (name === 'QueueDoesNotExist' || name.endsWith('NonExistentQueue'))
    return new UnavailableError(`${what}: the queue is not there. Somebody deleted it, or it is in another region or account.`, {
      cause: error,
    })
  if (/too ?long|must be shorter/i.test(`${name} ${message}`))
    return new LimitExceededError(`${what}: it is longer than SQS takes. Store what is large elsewhere and send where it is.`, {
      final: true,
      cause: error,
    })
  const status = $metadata.httpStatusCode ?? 0
  if ($fault === 'client' && status >= 400 && status < 500)
    return new SqsError(`${what}: SQS refused it: ${message}`, name, { cause: error })
  // The SDK asks several times: where the last attempt did not reach SQS, an earlier one may have.
  const surelyNot = NOT_CONNECTED.has(code) && ($metadata.attempts ?? 1) === 1
  if (!changes || surelyNot)
    return new UnavailableError(`${what}: SQS cannot be reached, or failed (${message}).`, { retryAfterMs: 1_000, cause: error })
  return new UnknownOutcomeError(`${what}: SQS failed, or its answer was lost (${message}). It may have taken effect.`, { cause: error })
}

function isThrottling(name: string): boolean {
  return /Throttl|TooManyRequests|RequestLimitExceeded|OverLimit/.test(name)
}

/** Whether SQS says that the message is not leased any more, or not under this receipt. */
export function saysLeaseLost(error: unknown): boolean {
  const { name = '', message = '' } = (error ?? {}) as AwsFailure
  return (
    name === 'MessageNotInflight' ||
    name === 'ReceiptHandleIsInvalid' ||
    (name.startsWith('Invalid') && /receipt handle.*(expired|not valid)/i.test(message))
  )
}
