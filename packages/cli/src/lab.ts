/** What a lab is given. */
export interface LabRun {
  /** An existing folder for the raw evidence: JSON lines, and pages. */
  readonly outDir: string
  /** Prints a line, or several. */
  readonly print: (text: string) => void
  /** How many orders, where the command line says so. */
  readonly orders?: number
  /** Whether it shows what it asks the user to find. */
  readonly answer?: boolean
  /** What randomness is drawn from, where the command line says so. */
  readonly seed?: number
}

/** What the command line may say to a lab that takes it. */
export type LabNumber = 'orders' | 'seed'

/** A failure, then its cure, with measured figures: the default export of `labs/NAME/run.ts`. */
export interface Lab {
  /** One line for the list. */
  readonly summary: string
  /** What it takes besides a folder. */
  readonly takes?: readonly LabNumber[]
  /** It asks the user to find something, and shows it with --answer. */
  readonly asks?: boolean
  /**
   * Runs unattended to its end, and prints its figures last.
   * @returns whether the outcome is the one that its README promises
   */
  run(options: LabRun): Promise<boolean>
}
