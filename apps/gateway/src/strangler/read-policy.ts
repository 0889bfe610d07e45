import { type PolicyDeclaration, problemsOfPolicy, problemsOfRateLimiter } from 'seaworthy/resilience'
import type { UpstreamPolicy } from '../upstream-policy.ts'
import type { Checked } from './checked.ts'
import { readKeySource } from './read-rule.ts'

/** Reads the policy of an upstream. What the library declares is checked by the library. */
export function readPolicy(policy: Checked): UpstreamPolicy {
  const names = ['timeout', 'retry', 'circuitBreaker', 'bulkhead', 'outlier', 'healthCheck', 'rateLimit', 'body'] as const
  const { timeout, retry, circuitBreaker, bulkhead, outlier, healthCheck, rateLimit, body } = policy.object(...names)
  const shared = Object.fromEntries(
    Object.entries({ retry, circuitBreaker, bulkhead }).flatMap(([name, part]) => (part.isThere ? [[name, part.raw]] : [])),
  ) as PolicyDeclaration
  for (const problem of problemsOfPolicy(shared)) noteAt(policy, problem)
  return {
    ...shared,
    ...(timeout.isThere && { timeout: readTimeout(timeout) }),
    ...(outlier.isThere && { outlier: readOutlier(outlier) }),
    ...(healthCheck.isThere && { healthCheck: readHealthCheck(healthCheck) }),
    ...(rateLimit.isThere && { rateLimit: readRateLimit(rateLimit) }),
    ...(body.isThere && { body: { bytesMax: body.object('bytesMax').bytesMax.number(0, 1_073_741_824, { isWhole: true }) } }),
  } as UpstreamPolicy
}

/** The library's sentences begin with the setting. */
function noteAt(part: Checked, sentence: string): void {
  const [setting = '', ...rest] = sentence.split(' ')
  part.problem(rest.join(' '), `${part.path}.${setting}`)
}

const TIME_MS_MAX = 3_600_000

function readTimeout(timeout: Checked): NonNullable<UpstreamPolicy['timeout']> {
  const members = timeout.object('connectMs', 'answerMs', 'waitMs')
  return optionalNumbers(members, { connectMs: [1, 60_000], answerMs: [1, TIME_MS_MAX], waitMs: [0, 60_000] })
}

function readOutlier(outlier: Checked): NonNullable<UpstreamPolicy['outlier']> {
  const { consecutiveFailures, ejectMs, ejectedShareMax } = outlier.object('consecutiveFailures', 'ejectMs', 'ejectedShareMax')
  return {
    consecutiveFailures: consecutiveFailures.number(1, 1_000_000, { isWhole: true }),
    ...optionalNumbers({ ejectMs, ejectedShareMax }, { ejectMs: [1, TIME_MS_MAX], ejectedShareMax: [0, 1] }),
  }
}

function readHealthCheck(check: Checked): NonNullable<UpstreamPolicy['healthCheck']> {
  const { path, ...members } = check.object('path', 'intervalMs', 'timeoutMs', 'unhealthyAfter', 'healthyAfter')
  return {
    path: path.text(/^\/[\x21-\x7e]*$/, 'a path'),
    ...optionalNumbers(members, {
      intervalMs: [10, TIME_MS_MAX],
      timeoutMs: [1, 60_000],
      unhealthyAfter: [1, 100],
      healthyAfter: [1, 100],
    }),
  }
}

function readRateLimit(rateLimit: Checked): NonNullable<UpstreamPolicy['rateLimit']> {
  const { by, limit, keysMax } = rateLimit.object('by', 'limit', 'keysMax')
  for (const problem of typeof limit.raw === 'object' && limit.raw !== null ? problemsOfRateLimiter('', limit.raw) : ['kind is missing'])
    noteAt(limit, problem)
  return {
    by: by.raw === 'client' ? 'client' : readKeySource(by),
    limit: limit.raw as NonNullable<UpstreamPolicy['rateLimit']>['limit'],
    ...optionalNumbers({ keysMax }, { keysMax: [1, 1_000_000] }),
  }
}

function optionalNumbers<Name extends string>(
  members: Readonly<Record<Name, Checked>>,
  bounds: Readonly<Record<Name, readonly [min: number, max: number]>>,
): { readonly [name in Name]?: number } {
  const numbers: { [name in Name]?: number } = {}
  for (const name of Object.keys(bounds) as Name[]) {
    const [min, max] = bounds[name]
    if (members[name].isThere) numbers[name] = members[name].number(min, max)
  }
  return numbers
}
