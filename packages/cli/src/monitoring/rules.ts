import type { System } from 'seaworthy/system'
import { type AlertSettings, alertGroups } from './alerts.ts'
import { attempted, attemptedInVain, quantile, recorded, served, servedBadly } from './expressions.ts'
import type { RuleFile, RuleGroup } from './rule-file.ts'

/** Over which times the error ratio is taken: those that the alerts compare. */
const WINDOWS = ['5m', '30m', '1h', '6h', '3d'] as const

/** Recording and alert rules for all that the system declares. */
export function rulesOf(system: System, settings: AlertSettings): RuleFile {
  return { groups: [recordingGroup(system), ...alertGroups(system, settings)] }
}

/** What several alerts and panels ask for, computed once: rate, errors and duration of each service, and of each of its dependencies. */
function recordingGroup({ name }: System): RuleGroup {
  const ofService = (expression: string) => `sum by (service) (${expression})`
  const ofDependency = (expression: string) => `sum by (service, policy) (${expression})`
  return {
    name: `${name}-recorded`,
    rules: [
      ...WINDOWS.flatMap((window) => [
        { record: recorded.requests(window), expr: ofService(served('count', window)) },
        { record: recorded.errorRatio(window), expr: ratio(ofService(servedBadly(window)), recorded.requests(window)) },
      ]),
      { record: recorded.p99, expr: quantile(0.99, ['service'], served('bucket', '5m')) },
      { record: recorded.attempts, expr: ofDependency(attempted('count', '5m')) },
      { record: recorded.attemptErrorRatio, expr: ratio(ofDependency(attemptedInVain('5m')), recorded.attempts) },
      { record: recorded.attemptP99, expr: quantile(0.99, ['service', 'policy'], attempted('bucket', '5m')) },
    ],
  }
}

/** Without a failure there is no series of failures, and the ratio is 0. */
const ratio = (part: string, whole: string): string => `(${part} or 0 * ${whole}) / (${whole} > 0)`
