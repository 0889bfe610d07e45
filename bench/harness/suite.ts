/** What a suite promises for a metric. A ratio is ours divided by the peer's, round by round. */
export type Target =
  | { readonly ratioMax: number }
  | { readonly ratioMin: number }
  | { readonly oursMax: number }
  | { readonly oursMin: number }

/** One round: both sides measured one after the other, in the metric's unit. */
export interface Round {
  readonly ours: number
  readonly peer: number
}

/** How much is measured: `quick` only shows that the suite works, its figures mean little. */
export interface Effort {
  readonly quick: boolean
}

/** Prepares one side in a process of its own and returns what measures one round there. */
export type Contender = (effort: Effort) => Promise<() => Promise<number>>

/** An exported {@link Contender}: the file that exports it, and its name there. */
export interface ContenderReference {
  readonly module: string
  readonly name: string
}

interface MetricDescription {
  /** As in the issue that set the target. */
  readonly name: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  /** What ours is compared with. */
  readonly peer: string
  readonly target: Target
  /** What the reader has to know to read the figure right. */
  readonly note?: string
  /** Rounds that are measured, where the usual number would take too long. `--quick` takes two at most. */
  readonly rounds?: number
  /** Says what this machine lacks, and how to get it; undefined where nothing is missing. Absent: npm brings everything. */
  readonly missing?: () => Promise<string | undefined>
}

/** Both sides run, each in a process of its own; the rounds alternate, so that what else the machine does meets both. */
export interface Contenders {
  readonly ours: ContenderReference
  readonly peer: ContenderReference
}

/** The figure does not depend on the machine: it is computed on a virtual clock, once for each seed. */
export type Simulation = (seed: number, effort: Effort) => Promise<Round>

/** The figure counts what went wrong in one long run, of which several metrics may be taken; the peer's is what may go wrong. */
type Count = (effort: Effort) => Promise<Round>

/** Measured by the metric's own procedure, which alternates between the two sides by itself; for what needs both at once, such as a rate that one of them sets. */
export type Series = (effort: Effort) => Promise<{
  readonly rounds: readonly Round[]
  /** What the run says beside its figures, such as the error of an estimate. */
  readonly remark?: string
}>

export type Metric = MetricDescription &
  ({ readonly contenders: Contenders } | { readonly simulate: Simulation } | { readonly count: Count } | { readonly series: Series })

export interface Suite {
  readonly name: string
  readonly metrics: readonly Metric[]
}

/** One metric with its raw rounds: anyone can compute the rest from them. */
export interface MetricResult extends Omit<MetricDescription, 'rounds' | 'missing'> {
  /** Empty where something is missing. */
  readonly rounds: readonly Round[]
  readonly ok: boolean
  readonly missing?: string
  /** Why there is no figure, though nothing was missing: the metric is broken, and the others are not. */
  readonly failure?: string
}

export interface SuiteResult {
  readonly suite: string
  readonly node: string
  readonly metrics: readonly MetricResult[]
}
