import { type DrainKind, checkpointOf, checkpointWorks, inMacrotask } from '../kernel/drain.ts'
import { type HistoryOptions, type HistoryOutcome, HistoryRun } from '../world/history-run.ts'

const nextTurn = setImmediate

/** The run that is under way, for what nobody catches. */
let current: HistoryRun | undefined

/** Tells the run under way of a rejection that nobody handled. */
export function tellUncaught(error: unknown): void {
  current?.uncaught(error)
}

/** Tells the run under way of a mistake that ends it: code that left the simulation. */
export function tellMistake(error: unknown): void {
  current?.mistaken(error)
}

/** What came of a history, and whether something may have left the simulation where no trap stands. */
export interface RunOutcome extends HistoryOutcome {
  /** Whether there is a handle or a request that was not there before. Not known where the event loop turns meanwhile: others open some too. */
  readonly leftOpen: boolean
}

/** Runs one history to its end. */
export function runHistory(options: HistoryOptions, drain: DrainKind): Promise<RunOutcome> {
  const checkpoint = checkpointOf(drain)
  return checkpoint === undefined ? byMacrotasks(options) : byCheckpoints(options, checkpoint)
}

/** A whole history in one macrotask. Node looks for unhandled rejections when that ends, so the answer waits for the turn after it. */
async function byCheckpoints(options: HistoryOptions, checkpoint: () => void): Promise<RunOutcome> {
  const [run, leftOpen] = await inMacrotask(() => {
    if (!checkpointWorks(checkpoint)) throw new Error('A microtask is under way: a checkpoint would do nothing.')
    const openBefore = process.getActiveResourcesInfo().length
    const run = (current = new HistoryRun(options))
    run.start()
    do checkpoint()
    while (run.step())
    return [run, process.getActiveResourcesInfo().length > openBefore] as const
  })
  return { ...(await ended(run)), leftOpen }
}

async function byMacrotasks(options: HistoryOptions): Promise<RunOutcome> {
  const run = (current = new HistoryRun(options))
  await new Promise<void>((resolve, reject) => {
    const turn = () => {
      try {
        if (run.step()) nextTurn(turn)
        else resolve()
      } catch (error) {
        reject(error)
      }
    }
    nextTurn(() => {
      run.start()
      nextTurn(turn)
    })
  })
  return { ...(await ended(run)), leftOpen: false }
}

function ended(run: HistoryRun): Promise<HistoryOutcome> {
  return inMacrotask(() => {
    current = undefined
    return run.end()
  })
}
