import { findErrorBy, type ProtocolError } from '@platformatic/kafka'
import { type Executed, SeaworthyError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'

/** The broker refused, for a reason that asking again does not mend: no right to the topic or group, a setting, a version too old. */
export class KafkaError extends SeaworthyError {
  /** Kafka's name of the reason, as in `TOPIC_AUTHORIZATION_FAILED`. */
  readonly reason: string

  constructor(reason: string, what: string, options: { executed?: Executed; cause?: unknown } = {}) {
    super('kafka', `Kafka refused ${what}: ${reason}. Look it up under this name in Kafka's documentation, and at the broker's log.`, {
      executed: options.executed ?? 'no',
      final: true,
      cause: options.cause,
    })
    this.reason = reason
  }
}

/** The log, or this reader of it, was closed. */
export class KafkaClosedError extends SeaworthyError {
  constructor(what: string) {
    super('log-closed', `The ${what} is closed.`, { executed: 'no', final: true })
  }
}

/** Somebody else appends in this one's place now: it has been declared dead, and what it still sends could overtake what is newer. */
export class ProducerFencedError extends SeaworthyError {
  constructor(name: string, options: { cause?: unknown } = {}) {
    super('producer-fenced', `Another process took over as producer ${name}. Stop this one; what it did not send, the other one sends.`, {
      ...options,
      executed: 'no',
      final: true,
    })
  }
}

/** A group cannot be moved while others read in it: they would go on from their own places, and undo it. */
export class GroupSharedError extends SeaworthyError {
  constructor(group: string, waitedMs: number) {
    super(
      'group-shared',
      `Consumer group ${group} still has other members after ${waitedMs} ms, so that it cannot be moved. Stop its consumers first; one that died leaves the group when its session ends.`,
      { executed: 'no' },
    )
  }
}

/** Kafka's names of all that went wrong. */
export function reasonsOf(error: unknown): readonly string[] {
  const reasons: string[] = []
  const visit = (cause: unknown) => {
    if (typeof cause !== 'object' || cause === null) return
    const { apiId, errors } = cause as Partial<ProtocolError> & { errors?: unknown }
    if (typeof apiId === 'string') reasons.push(apiId)
    if (Array.isArray(errors)) errors.forEach(visit)
  }
  visit(error)
  return reasons
}

// The answer may be another one in a moment, from this broker or from the one that leads now.
const PASSING: ReadonlySet<string> = new Set([
  'BROKER_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'INCONSISTENT_TOPIC_ID',
  'KAFKA_STORAGE_ERROR',
  'LEADER_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'NOT_CONTROLLER',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_LEADER_OR_FOLLOWER',
  'OFFSET_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNSTABLE_OFFSET_COMMIT',
])

const FINAL_CODES = ['PLT_KFK_AUTHENTICATION', 'PLT_KFK_USER', 'PLT_KFK_UNSUPPORTED_COMPRESSION'] as const

/** Whether asking again may help. An error without a name is one of the connection. */
export function isPassing(error: unknown): boolean {
  if (error instanceof SeaworthyError) return !error.final
  const known = error instanceof Error ? error : undefined
  if (FINAL_CODES.some((code) => findErrorBy(known, 'code', code) !== null)) return false
  return reasonsOf(error).every((reason) => PASSING.has(reason))
}

/** What the caller is told. `executed`: what is known when no answer came. */
export function asSeaworthyError(error: unknown, what: string, executed: 'no' | 'maybe' = 'no'): SeaworthyError {
  if (error instanceof SeaworthyError) return error
  if (!isPassing(error)) return new KafkaError(reasonsOf(error)[0] ?? String(error), what, { cause: error })
  const why = reasonsOf(error)[0] ?? (error instanceof Error ? error.message : String(error))
  return executed === 'no'
    ? new UnavailableError(`Kafka cannot take ${what} now: ${why}.`, { cause: error })
    : new UnknownOutcomeError(`Kafka gave no answer to ${what}: ${why}.`, { cause: error })
}
