import { comparableAnswer, type ComparableAnswer } from '../../src/compare/answer.ts'
import type { HeaderLine } from '../../src/compare/answer-headers.ts'
import { compareAnswers, type Comparison } from '../../src/compare/compare-answers.ts'
import { type Knowledge, NO_KNOWLEDGE } from '../../src/compare/knowledge.ts'
import { EndpointProfile } from '../../src/compare/noise/endpoint-profile.ts'

export const NOW_MS = Date.UTC(2026, 2, 3, 14, 7, 21, 382)

export interface TestAnswer {
  readonly status?: number
  readonly headers?: readonly HeaderLine[]
  readonly atMs?: number
}

/** An answer in JSON. */
export function json(body: unknown, { status = 200, headers = [], atMs = NOW_MS }: TestAnswer = {}): ComparableAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return comparableAnswer({ status, headers: [['Content-Type', 'application/json'], ...headers], body: Buffer.from(text), atMs })
}

/** The differences as `kind field`. */
export const differences = (a: ComparableAnswer, b: ComparableAnswer, knowledge: Knowledge = NO_KNOWLEDGE): string[] =>
  told(compareAnswers(a, b, knowledge))

export const told = ({ differences }: Comparison): string[] => differences.map(({ kind, field }) => `${kind} ${field}`)

/** Learns from so many requests, each answered four times. `body` makes an answer of the monolith. */
export function learned(body: (request: number, atMs: number) => unknown, requests = 8): EndpointProfile {
  const profile = new EndpointProfile()
  let atMs = NOW_MS - requests * 10_000
  for (let request = 0; request < requests; request++) {
    const answers = [0, 1, 2, 3].map((index) => json(body(request, (atMs += index * 700 + 40)), { atMs }))
    for (const answer of answers) profile.observe(answer, `/things/${request}`)
    profile.learn(answers)
  }
  return profile
}
