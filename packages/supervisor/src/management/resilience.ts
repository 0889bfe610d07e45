import type { Policy } from 'seaworthy/resilience'
import type { Answer } from './answering.ts'
import type { GuardedCall } from './questions.ts'

/** Answers how the policies of a process stand: those of its calls to others, in the order in which they were made. */
export function resilienceAnswers(policies: Iterable<Policy>): Readonly<Record<'resilience', Answer>> {
  return {
    resilience: async () => ({
      calls: Array.from(policies, (policy): GuardedCall => {
        const { name: call, declaration } = policy
        return { call, declaration, snapshot: policy.snapshot() }
      }),
    }),
  }
}
