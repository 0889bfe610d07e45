/**
 * Does the new service answer as the monolith does?
 *
 * The problem: two answers to one request are never equal byte by byte, so either somebody lists by hand what may differ, or nobody looks.
 * The guarantee: answers are compared field by field, headers and status too; what differs by nature is learned, by its kind, from the
 * monolith's own answers to the same request, so that a time that becomes null, or is written otherwise, is still a difference; nothing
 * is called a difference that is gone when both sides are asked again; memory and load are bounded.
 * Not promised: what cannot be told from noise is not found (see docs/1-decomposition/shadow-and-compare.md); requests that change
 * something are not compared.
 */
export { Comparator, type ComparatorOptions, type ComparatorRules } from './comparator.ts'
export { type ComparisonReport, type EndpointReport, type Verdict } from './endpoint-record.ts'
export { type DifferenceExample, type DifferenceGroup } from './difference-groups.ts'
export { type DifferenceKind } from './difference.ts'
export { comparedOf, reportText } from './report-text.ts'
export { type ReceivedAnswer } from './answer.ts'
export { type HeaderLine, type HeaderRules } from './answer-headers.ts'
export { type Ask, type CredentialsRule, SHADOW_HEADER, type SafeRequest } from './safe-request.ts'
export { type ShowingRules } from './shown-value.ts'
export { type LearnedNoise } from './noise/endpoint-profile.ts'
export {
  type MirrorCounts,
  type MirrorRules,
  type PassingAnswer,
  type PassingRequest,
  shadowing,
  type Shadowing,
  type ShadowingOptions,
  type ShadowingReport,
} from './shadowing.ts'
export { type ShadowedRoute } from './shadow-messages.ts'
export { type SideAddress } from './side-address.ts'
export { defaultShadowLimits, type ShadowCounts, type ShadowLimits } from './shadow.ts'
