import { InvalidInputError, NotFoundError } from 'seaworthy/core'
import {
  type Auditor,
  type Decider,
  type DomainCommand,
  type DomainEvent,
  type EventStore,
  type EventTypes,
  type StreamMoment,
  auditEvents,
  replayStream,
} from 'seaworthy/event-sourcing'
import type { Answer } from './answering.ts'
import type { EventQuestions, ShownEvent } from './questions.ts'
import { stateChanges } from './state-changes.ts'

export interface EventManagementOptions<State, Command extends DomainCommand, Event extends DomainEvent> {
  readonly decider: Decider<State, Command, Event>
  readonly events: EventTypes<Event>
  readonly store: EventStore
  /** Judge the whole history, beside what is judged anyway. */
  readonly auditors?: readonly (() => Auditor<Event>)[]
  /** JSON as text, without what must not be seen. */
  readonly redacted: (value: unknown) => string
}

/** Versions of one answer, and the bytes that it takes in a line of the control socket, about. */
const VERSIONS_MAX = 100
const ANSWER_LENGTH_MAX = 512 * 1024
const AUDIT_BUDGET_MS = 20_000
/** Of so many of the oldest events, the names of a few streams. */
const NAMES_FROM = 20
const NAMES_SHOWN = 3

type Answers = {
  readonly [Name in keyof EventQuestions]: (parameters: EventQuestions[Name]['parameters']) => Promise<EventQuestions[Name]['answer']>
}

/** Answers for the event store of one process. Only reads. */
export function eventAnswers<State, Command extends DomainCommand, Event extends DomainEvent>(
  options: EventManagementOptions<State, Command, Event>,
): Readonly<Record<keyof EventQuestions, Answer>> {
  const { store, events, auditors = [], redacted } = options
  const visible = (value: unknown): unknown => JSON.parse(redacted(value))

  async function show({
    stream,
    at,
    after = 0,
  }: EventQuestions['event-stream']['parameters']): Promise<EventQuestions['event-stream']['answer']> {
    if (typeof stream !== 'string') throw invalid('stream', 'must be the name of a stream')
    if (!Number.isSafeInteger(after) || after < 0) throw invalid('after', 'must be a version')
    const until = momentOf(at)
    const shown: ShownEvent[] = []
    let length = 0
    let isMore = false
    let state: unknown = options.decider.initial()
    for await (const { stored, before, after: next } of replayStream({ ...options, stream, ...(until && { until }) })) {
      if (stored.version > after) {
        if (shown.length === VERSIONS_MAX || length > ANSWER_LENGTH_MAX) {
          isMore = true
          break
        }
        const { version, position, id, type, recordedAtMs } = stored
        const event = { version, position, id, type, recordedAtMs, data: visible(events.upToDate(stored).data) }
        shown.push({ ...event, changes: stateChanges(visible(before), visible(next)) })
        length += JSON.stringify(shown.at(-1)).length
      }
      state = next
    }
    if (shown.length === 0 && after === 0 && (await store.read(stream, { max: 1 })).length === 0) {
      throw new NotFoundError(`There is no stream ${stream} here. ${await someNames(store)}`)
    }
    const archivedAtMs = (await store.archivedAtMs(stream)) ?? null
    return { stream, archivedAtMs, events: shown, state: visible(state), isMore }
  }

  const answers: Answers = {
    'event-stream': show,
    'audit-events': () => auditEvents({ store, events, auditors, budgetMs: AUDIT_BUDGET_MS }),
  }
  // What comes over the channel is checked where it is used.
  return answers as unknown as Readonly<Record<keyof EventQuestions, Answer>>
}

/** What streams are called here, for whoever has to know a name to look at one. */
async function someNames(store: EventStore): Promise<string> {
  const names = new Set((await store.readAll({ after: 0, max: NAMES_FROM })).map(({ stream }) => stream))
  return names.size === 0 ? 'There is none yet.' : `There are such as ${[...names].slice(0, NAMES_SHOWN).join(', ')}.`
}

function momentOf(at: unknown): StreamMoment | undefined {
  if (at === undefined) return undefined
  const { version, timeMs } = (typeof at === 'object' && at !== null ? at : {}) as { version?: unknown; timeMs?: unknown }
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return { version }
  if (typeof timeMs === 'number' && Number.isFinite(timeMs)) return { timeMs }
  throw invalid('at', 'must be a version or a time')
}

function invalid(field: string, message: string): InvalidInputError {
  return new InvalidInputError(`${field} ${message}.`, [{ field, message }])
}
