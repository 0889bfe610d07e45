import type { Rule } from './rule-file.ts'

/** How soon somebody should look: at once, at night too; or in working hours. */
type Severity = 'page' | 'ticket'

export interface AlertText {
  readonly expr: string
  readonly for?: string
  readonly severity: Severity
  /** What is wrong, in a line. */
  readonly summary: string
  /** What to do next. */
  readonly description: string
  readonly labels?: Readonly<Record<string, string>>
}

export function alert(name: string, { expr, severity, summary, description, labels, for: lasts }: AlertText): Rule {
  return {
    alert: name,
    expr,
    ...(lasts !== undefined && { for: lasts }),
    labels: { severity, ...labels },
    annotations: { summary, description },
  }
}
