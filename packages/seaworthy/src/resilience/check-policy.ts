import { ConfigurationError } from 'seaworthy/core'
import type { PolicyDeclaration } from './policy-declaration.ts'

/** @throws ConfigurationError naming every setting that does not make sense */
export function checkPolicy(name: string, declaration: PolicyDeclaration): void {
  const problems: string[] = []
  const check = (setting: string, value: number | undefined, sort: Sort) => problems.push(...problemsOf(setting, value, sort))
  const { timeout, retry, circuitBreaker, bulkhead } = declaration
  check('timeout.attemptMs', timeout?.attemptMs, 'a positive number')
  check('timeout.totalMs', timeout?.totalMs, 'a positive number')
  if (retry !== undefined) {
    check('retry.attemptsMax', retry.attemptsMax, 'a positive integer')
    check('retry.waitMaxMs', retry.waitMaxMs, 'a number from 0')
    check('retry.budget.ratio', retry.budget?.ratio, 'a number from 0')
    check('retry.budget.minPerSecond', retry.budget?.minPerSecond, 'a number from 0')
    check('retry.budget.tokensMax', retry.budget?.tokensMax, 'a positive number')
    if (retry.backoff.kind === 'constant') check('retry.backoff.delayMs', retry.backoff.delayMs, 'a number from 0')
    else {
      check('retry.backoff.baseMs', retry.backoff.baseMs, 'a positive number')
      check('retry.backoff.maxMs', retry.backoff.maxMs, 'a number from 0')
      check('retry.backoff.factor', retry.backoff.factor, 'a positive number')
    }
  }
  if (circuitBreaker !== undefined) {
    check('circuitBreaker.openMs', circuitBreaker.openMs, 'a positive number')
    check('circuitBreaker.openMsMax', circuitBreaker.openMsMax, 'a positive number')
    check('circuitBreaker.openJitter', circuitBreaker.openJitter, 'a number from 0')
    if ((circuitBreaker.openMsMax ?? Number.POSITIVE_INFINITY) < circuitBreaker.openMs)
      problems.push('circuitBreaker.openMsMax is less than openMs')
    check('circuitBreaker.probesMax', circuitBreaker.probesMax, 'a positive integer')
    check('circuitBreaker.probeLeaseMs', circuitBreaker.probeLeaseMs, 'a positive number')
    if ('consecutiveFailures' in circuitBreaker) {
      check('circuitBreaker.consecutiveFailures', circuitBreaker.consecutiveFailures, 'a positive integer')
    } else {
      check('circuitBreaker.failureRate', circuitBreaker.failureRate, 'above 0 and at most 1')
      check('circuitBreaker.minimumCalls', circuitBreaker.minimumCalls, 'a positive integer')
      check('circuitBreaker.slowCalls.overMs', circuitBreaker.slowCalls?.overMs, 'a positive number')
      check('circuitBreaker.slowCalls.rate', circuitBreaker.slowCalls?.rate, 'above 0 and at most 1')
      const { window, minimumCalls = 0 } = circuitBreaker
      if (window.kind === 'time') check('circuitBreaker.window.durationMs', window.durationMs, 'a positive number')
      else {
        check('circuitBreaker.window.callsMax', window.callsMax, 'a positive integer')
        if (minimumCalls > window.callsMax)
          problems.push('circuitBreaker.minimumCalls is more than the window holds, so that it would never open')
      }
    }
  }
  check('bulkhead.concurrencyMax', bulkhead?.concurrencyMax, 'a positive integer')
  check('bulkhead.queueMax', bulkhead?.queueMax, 'an integer from 0')
  if (problems.length > 0) throw new ConfigurationError(`Policy ${name} does not make sense: ${problems.join('; ')}.`)
}

/** What is wrong with a number, as a list of no or one sentence. */
export function problemsOf(setting: string, value: number | undefined, sort: Sort): string[] {
  return value === undefined || SORTS[sort](value) ? [] : [`${setting} is ${value}, but must be ${sort}`]
}

export type Sort = keyof typeof SORTS

const SORTS = {
  'a positive number': (value: number) => Number.isFinite(value) && value > 0,
  'a number from 0': (value: number) => Number.isFinite(value) && value >= 0,
  'a positive integer': (value: number) => Number.isSafeInteger(value) && value > 0,
  'an integer from 0': (value: number) => Number.isSafeInteger(value) && value >= 0,
  'above 0 and at most 1': (value: number) => value > 0 && value <= 1,
} as const
