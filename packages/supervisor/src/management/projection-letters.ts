import { NotFoundError } from 'seaworthy/core'
import type { DeadLetter } from 'seaworthy/messaging'
import { type RequeuedEvent, type RunningDocumentProjection, type WaitingEvent, envelopeOf } from 'seaworthy/projections'
import { type LetterSource, PAGE_SIZE, REQUEUE_LETTERS_MAX, clipped, keyOf, summaryOf, triedAgain } from './letter-source.ts'
import type { DeadLetterSource, ManagedProjectionStatus } from './questions.ts'

const PARKED_MAX = 100

/** By which it is asked for. */
function sourceOf({ projection, version }: Pick<RunningDocumentProjection, 'projection' | 'version'>): DeadLetterSource {
  return `projection:${projection}/${version}`
}

/** Events that wait for documents of a projection which stand still, in order per document. Its name is their topic, and the document's key their key. */
export function deadLettersOfProjection(running: RunningDocumentProjection): LetterSource {
  const source = sourceOf(running)
  const letterOf = ({ key, event, kind, attempts, reason, parkedAtMs, position }: WaitingEvent): DeadLetter => {
    const { projection, version } = running
    const about = { consumer: `${projection}/${version}`, topic: projection, event: { ...envelopeOf(event), key } }
    return { ...about, kind, attempts, reason, diedAtMs: parkedAtMs, position }
  }
  const retried = (key: string, { event, attempt, outcome, reason, position }: RequeuedEvent) => {
    // One whose stream was archived is gone without a trace.
    if (event === undefined) return []
    const letter = letterOf({ key, event, kind: 'parked', attempts: attempt, reason: reason ?? '', parkedAtMs: 0, position })
    return [{ letter, attempt, outcome, reason }]
  }
  return {
    name: source,
    async list(after) {
      const waiting = await running.waiting({ after, max: PAGE_SIZE })
      const last = waiting.at(-1)?.position ?? after
      return {
        source,
        letters: waiting.map((event) => clipped(summaryOf(source, letterOf(event)))),
        isMore: (await running.waiting({ after: last, max: 1 })).length > 0,
      }
    },
    async find(id) {
      for (let after = 0; ;) {
        const page = await running.waiting({ after, max: PAGE_SIZE })
        const found = page.find(({ event }) => event.id === id)
        if (found !== undefined) {
          const { correlationId } = found.event.context
          return { summary: summaryOf(source, letterOf(found)), correlationId, body: envelopeOf(found.event) }
        }
        const last = page.at(-1)
        if (last === undefined) return undefined
        after = last.position
      }
    },
    async requeue(parameters, tell) {
      const { topic, key } = keyOf(parameters)
      if (topic !== running.projection) throw new NotFoundError(`${source} has letters of ${running.projection}, and none of ${topic}.`)
      const { tried, left } = await running.requeue(key, { eventsMax: REQUEUE_LETTERS_MAX })
      const letters = tried.flatMap((event) => retried(key, event))
      for (const letter of letters) tell(letter)
      return { letters: letters.map(triedAgain), left }
    },
  }
}

/** How a projection stands. */
export async function projectionStatus(running: RunningDocumentProjection): Promise<ManagedProjectionStatus> {
  const { projection, version } = running
  const [{ positions }, parked] = await Promise.all([running.lag(), running.parked()])
  const letters = parked.map(({ key, waiting }) => ({ topic: projection, key, letters: waiting.length }))
  const failing = [...running.partitions].flatMap(([partition, status]) =>
    status.kind === 'failing'
      ? [{ partition, attempts: status.attempts, position: status.event?.position ?? null, reason: String(status.error) }]
      : [],
  )
  return {
    source: sourceOf(running),
    projection,
    version,
    lag: positions,
    failing,
    deadLetters: letters.reduce((total, one) => total + one.letters, 0),
    parkedKeys: parked.length,
    parked: letters.slice(0, PARKED_MAX),
  }
}
