/** What a lab is given. */
export interface LabRun {
  /** An existing folder for the raw evidence: JSON lines, and pages. */
  readonly outDir: string
  /** Prints a line, or several. */
  readonly print: (text: string) => void
}

/** A failure, then its cure, with measured figures: the default export of `labs/NAME/run.ts`. */
export interface Lab {
  /** One line for the list. */
  readonly summary: string
  /**
   * Runs unattended to its end, and prints its figures last.
   * @returns whether the outcome is the one that its README promises
   */
  run(options: LabRun): Promise<boolean>
}
