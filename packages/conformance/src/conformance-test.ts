import type { Trial } from './trial.ts'

/** What a test found, with the evidence in one line, and the figures that it is made of. */
export type Finding =
  | { readonly verdict: 'pass' | 'fail'; readonly evidence: string; readonly figures: Readonly<Record<string, unknown>> }
  /** The product lacks what the question is about; `evidence` says why. */
  | { readonly verdict: 'does-not-have'; readonly evidence: string; readonly figures: Readonly<Record<string, unknown>> }

export interface ConformanceTest {
  readonly name: string
  /** In one sentence. */
  readonly question: string
  /** How it is put to the product. */
  readonly method: string
  /** What counts as a pass. */
  readonly passes: string
  /** The whole test, in milliseconds; over it, it has failed. */
  readonly timeoutMs: number
  run(trial: Trial): Promise<Finding>
}

/** A pass, unless something is said against it. */
export function finding(
  objections: readonly (string | undefined)[],
  praise: string,
  figures: Readonly<Record<string, unknown>> = {},
): Finding {
  const said = objections.filter((objection) => objection !== undefined)
  return { verdict: said.length === 0 ? 'pass' : 'fail', evidence: said.length === 0 ? praise : said.join('; '), figures }
}
