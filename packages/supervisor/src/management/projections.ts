import { type Clock, NotFoundError, sleep, systemClock } from 'seaworthy/core'
import type { RebuildableProjection } from 'seaworthy/projections'
import type { Answer } from './answering.ts'
import type { ProjectionQuestions, RebuildAnswer, RebuildableStatus } from './questions.ts'

/** Less than the supervisor waits for an answer. */
const ANSWER_WAIT_MS = 45_000

export interface ProjectionManagementOptions {
  readonly projections: readonly RebuildableProjection[]
  /** Told of a rebuild that failed after its answer was given. */
  readonly onFailed?: (projection: string, error: unknown) => void
  readonly clock?: Clock
}

type Answers = {
  readonly [Name in keyof ProjectionQuestions]: (
    parameters: ProjectionQuestions[Name]['parameters'],
  ) => Promise<ProjectionQuestions[Name]['answer']>
}

/** Answers for the read models of one process that can be built again while they answer. Changes are audited by whoever asks for them: the supervisor. */
export function projectionAnswers(options: ProjectionManagementOptions): Readonly<Record<keyof ProjectionQuestions, Answer>> {
  const { projections, onFailed, clock = systemClock } = options
  const named = (name: unknown): RebuildableProjection => {
    const found = projections.find(({ projection }) => projection === name)
    if (found !== undefined) return found
    throw new NotFoundError(
      `There is no projection ${String(name)} here. There are: ${projections.map((one) => one.projection).join(', ')}.`,
    )
  }
  async function rebuild(rebuildable: RebuildableProjection): Promise<RebuildAnswer> {
    const waiting = new AbortController()
    const rebuilding = rebuildable.rebuild()
    const late = sleep(clock, ANSWER_WAIT_MS, waiting.signal).then((): RebuildAnswer => {
      rebuilding.catch((error: unknown) => onFailed?.(rebuildable.projection, error))
      return { kind: 'building' }
    })
    try {
      return await Promise.race([rebuilding.then((report): RebuildAnswer => ({ kind: 'switched', ...report })), late])
    } finally {
      waiting.abort()
      // What the wait ends with by that is nobody's concern.
      late.catch(() => undefined)
    }
  }
  const answers: Answers = {
    projections: async () => ({ projections: await Promise.all(projections.map(statusOf)) }),
    'rebuild-projection': async ({ projection }) => rebuild(named(projection)),
    'go-back-projection': async ({ projection }) => named(projection).goBack(),
  }
  // What comes over the channel is checked where it is used.
  return answers as unknown as Readonly<Record<keyof ProjectionQuestions, Answer>>
}

async function statusOf(rebuildable: RebuildableProjection): Promise<RebuildableStatus> {
  const { live, previous, running } = await rebuildable.versions()
  const versions = await Promise.all(
    running.map(async (runner) => {
      const { positions: lag, parked } = await runner.lag()
      const failing = [...runner.partitions.values()].filter(({ kind }) => kind === 'failing').length
      return { version: runner.version, lag, parked, failing }
    }),
  )
  return { projection: rebuildable.projection, live, previous, versions }
}
