import { type Clock, systemClock } from 'seaworthy/core'
import type { DomainEvent } from './decider.ts'
import { EVENTS_PAGE_MAX, type EventStore, type StoredEvent } from './event-store.ts'
import type { EventTypes } from './event-types.ts'

/** Judges a history, event by event: a fold with opinions. Made anew for each audit. */
export interface Auditor<Event extends DomainEvent> {
  /** @returns what is wrong with this event, in words */
  see(event: Event, stored: StoredEvent): readonly string[]
  /** @returns what is wrong with all of it, and what was found to be right */
  end(): { readonly findings: readonly string[]; readonly facts: readonly string[] }
}

export interface AuditReport {
  readonly events: number
  readonly streams: number
  /** What is wrong, in the order of positions; at most a hundred. */
  readonly findings: readonly string[]
  /** How many there are in all. */
  readonly findingsInAll: number
  /** What was found to be right. */
  readonly facts: readonly string[]
  /** False when the time ran out, or the store could not be read to its end: what was not seen is not judged. */
  readonly isComplete: boolean
}

const FINDINGS_MAX = 100

/**
 * Reads every event, archived streams included, and judges: the versions of each stream begin at 1 and have no gap; every event is known to this code; and
 * whatever `auditors` say. Holds a number for each stream in memory.
 */
export async function auditEvents<Event extends DomainEvent>(options: {
  readonly store: EventStore
  readonly events: EventTypes<Event>
  readonly auditors?: readonly (() => Auditor<Event>)[]
  /** Default: no bound. */
  readonly budgetMs?: number
  readonly clock?: Clock
}): Promise<AuditReport> {
  const { store, events, budgetMs = Number.POSITIVE_INFINITY, clock = systemClock } = options
  const auditors = (options.auditors ?? []).map((make) => make())
  const versions = new Map<string, number>()
  const findings: string[] = []
  let findingsInAll = 0
  const find = (found: readonly string[]) => {
    findingsInAll += found.length
    findings.push(...found.slice(0, FINDINGS_MAX - findings.length))
  }
  let seen = 0
  const judge = (stored: StoredEvent) => {
    seen++
    const expected = (versions.get(stored.stream) ?? 0) + 1
    if (stored.version !== expected) find([`${placeOf(stored)}: version ${expected} was to come next; events are missing or doubled.`])
    versions.set(stored.stream, stored.version)
    try {
      const event = events.read(stored)
      for (const auditor of auditors) find(auditor.see(event, stored).map((what) => `${placeOf(stored)}: ${what}`))
    } catch (error) {
      find([`${placeOf(stored)} cannot be judged: ${messageOf(error)}`])
    }
  }
  const startedMs = clock.monotonicMs()
  let isComplete = false
  for (let after = 0; clock.monotonicMs() - startedMs < budgetMs;) {
    try {
      const page = await store.readAll({ after, max: EVENTS_PAGE_MAX, archived: true })
      page.forEach(judge)
      if (page.length === 0) {
        isComplete = true
        break
      }
      after = page.at(-1)!.position
    } catch (error) {
      find([`The events after position ${after} cannot be read: ${messageOf(error)}`])
      break
    }
  }
  const ends = auditors.map((auditor) => auditor.end())
  find(ends.flatMap((end) => end.findings))
  const facts = ends.flatMap((end) => end.facts)
  return { events: seen, streams: versions.size, findings, findingsInAll, facts, isComplete }
}

function placeOf({ stream, version, position, type }: StoredEvent): string {
  return `${type} at version ${version} of stream ${stream}, position ${position}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
