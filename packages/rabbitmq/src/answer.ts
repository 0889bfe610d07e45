import { UnknownOutcomeError, nextMacrotask, systemClock } from 'seaworthy/core'

/**
 * The broker's answer, or an error when it does not come in time: a connection of which one end has gone says nothing until its heartbeats are missed.
 * Measured on the system's clock, because the network knows no other.
 */
export function answerWithin<T>(answer: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.timer(timeoutMs, () =>
      reject(new UnknownOutcomeError(`${what}: RabbitMQ gave no answer within ${timeoutMs} ms; it may have taken it or not.`)),
    )
    answer.finally(() => timer.cancel()).then(resolve, reject)
  })
}

/** Settles once everything that came with the broker's last bytes has been told: the client tells of messages a little later than of answers. */
export function toldOf(): Promise<void> {
  return new Promise((resolve) => void nextMacrotask(resolve))
}
