import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A run of a lab that has ended. */
export interface LabRunSummary {
  readonly lab: string
  /** Tells it from other runs of its lab; the name of its folder. */
  readonly run: string
  readonly summary: string
  readonly startedAtMs: number
  readonly tookMs: number
  readonly outcome: LabOutcome
}

/** `failed` says nothing about the promise: the lab itself came to an error. */
export type LabOutcome = 'as promised' | 'not as promised' | 'failed'

export interface LabReport extends LabRunSummary {
  /** What it printed; cut in the middle if it is long. */
  readonly printed: string
  /** Its pictures and pages, to look at, by their names in its folder. */
  readonly figures: readonly string[]
}

const REPORT = 'lab.json'
const PRINTED_LENGTH_MAX = 64_000
/** Of one lab. */
const RUNS_MAX = 10
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/i
const FIGURE = /^[a-z0-9][a-z0-9-]{0,63}\.(?:svg|html)$/i

/** Makes a folder for the evidence of a run that begins. Of the runs of this lab before it, only the newest nine stay. */
export function beginLabRun(labsDir: string, lab: string, startedAtMs: number): string {
  // Their names sort by time. One that was broken off has no report, and goes in its turn as well.
  const before = namesIn(join(labsDir, lab)).toSorted().toReversed()
  for (const run of before.slice(RUNS_MAX - 1)) rmSync(join(labsDir, lab, run), { recursive: true, force: true })
  const began = new Date(startedAtMs).toISOString().slice(0, 19).replaceAll(':', '')
  let run = began
  for (let other = 2; existsSync(join(labsDir, lab, run)); other++) run = `${began}-${other}`
  const folder = join(labsDir, lab, run)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Leaves a report beside the evidence, for people who look later and for the console. */
export function writeLabReport(folder: string, { printed, ...summary }: Omit<LabReport, 'run' | 'figures'>): void {
  const half = PRINTED_LENGTH_MAX / 2
  const kept = printed.length <= PRINTED_LENGTH_MAX ? printed : `${printed.slice(0, half)}\n…\n${printed.slice(-half)}`
  writeFileSync(join(folder, REPORT), `${JSON.stringify({ ...summary, printed: kept })}\n`)
}

/** Runs that have ended, the newest first; of one lab, or of all. Folders without a report are none. */
export function labRuns(labsDir: string, lab?: string): readonly LabRunSummary[] {
  return (lab === undefined ? namesIn(labsDir) : [lab])
    .flatMap((each) => namesIn(join(labsDir, each)).map((run) => labReport(labsDir, each, run)))
    .filter((report) => report !== undefined)
    .map(({ printed: _printed, figures: _figures, ...summary }) => summary)
    .toSorted((one, other) => other.startedAtMs - one.startedAtMs)
}

/** Undefined when there is no such run, or none that has ended. */
export function labReport(labsDir: string, lab: string, run: string): LabReport | undefined {
  if (!NAME.test(lab) || !NAME.test(run)) return undefined
  const folder = join(labsDir, lab, run)
  try {
    const report = JSON.parse(readFileSync(join(folder, REPORT), 'utf8')) as Omit<LabReport, 'run' | 'figures'>
    return { ...report, lab, run, figures: readdirSync(folder).filter((name) => FIGURE.test(name)) }
  } catch {
    return undefined
  }
}

/** A picture or page of a run. Undefined when there is none of that name. */
export function labFigure(labsDir: string, { lab, run, figure }: { lab: string; run: string; figure: string }): Buffer | undefined {
  if (!labReport(labsDir, lab, run)?.figures.includes(figure)) return undefined
  return readFileSync(join(labsDir, lab, run, figure))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => NAME.test(name))
  } catch {
    return []
  }
}
