/** A rule of Prometheus, as its rule files have it. */
export type Rule =
  | { readonly record: string; readonly expr: string }
  | {
      readonly alert: string
      readonly expr: string
      readonly for?: string
      readonly labels: Readonly<Record<string, string>>
      readonly annotations: { readonly summary: string; readonly description: string }
    }

export type RuleGroup = {
  readonly name: string
  readonly interval?: string
  readonly rules: readonly Rule[]
}

/** A rule file. Types and not interfaces, so that they are what YAML is made of. */
export type RuleFile = {
  readonly groups: readonly RuleGroup[]
}
