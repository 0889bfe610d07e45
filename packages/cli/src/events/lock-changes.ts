import type { EventLock, LockedEvent } from './event-lock.ts'
import { type SchemaChange, schemaChanges } from './schema-changes.ts'

/** A difference between the lock and what is declared now. */
export interface LockChange {
  readonly event: string
  readonly version: string
  /** Empty when it is about the event as a whole. */
  readonly field: string
  /** Whether it must not be: `breaking`; or has to be locked: `new`. */
  readonly kind: 'breaking' | 'new'
  readonly what: string
  readonly remedy: string
}

/** Every difference, events in order. None: the lock is up to date. */
export function lockChanges(lock: EventLock, declared: EventLock): readonly LockChange[] {
  const types = [...new Set([...Object.keys(lock), ...Object.keys(declared)])].toSorted()
  return types.flatMap((event) => {
    const [old, now] = [lock[event] ?? {}, declared[event] ?? {}]
    const versions = [...new Set([...Object.keys(old), ...Object.keys(now)])].toSorted((one, other) => Number(one) - Number(other))
    return versions.flatMap((version) => versionChanges({ event, version, newest: versions.at(-1) ?? version }, old[version], now[version]))
  })
}

interface About {
  readonly event: string
  readonly version: string
  readonly newest: string
}

function versionChanges(about: About, old: LockedEvent | undefined, now: LockedEvent | undefined): readonly LockChange[] {
  const { event, version } = about
  if (old === undefined) {
    const remedy = 'Run seaworthy events lock, and commit the lock.'
    return [{ event, version, field: '', kind: 'new', what: 'is declared and not locked yet', remedy }]
  }
  if (now === undefined) {
    const remedy = `Declare it again: logs, outboxes and dead letters may hold it, and consumers handle it. A newer version stands beside it.`
    return [{ event, version, field: '', kind: 'breaking', what: 'was published and is no longer declared', remedy }]
  }
  const breaking = (field: string, what: string, remedy = newVersion(about)): LockChange => ({
    event,
    version,
    field,
    kind: 'breaking',
    what,
    remedy,
  })
  const changes: LockChange[] = []
  if (old.topic !== now.topic)
    changes.push(
      breaking(
        '',
        `moved from topic ${old.topic} to ${now.topic}: its consumers read the old one, and its keys are numbered there`,
        `Publish it on ${old.topic}, or declare another event for ${now.topic}.`,
      ),
    )
  if (old.key !== now.key)
    changes.push(
      breaking(
        '',
        `has another key, ${now.key} instead of ${old.key}: events that were in order before and after each other no longer are`,
        `Keep the key, or declare another event.`,
      ),
    )
  for (const { field, breaks, what } of schemaChanges(old.schema, now.schema)) {
    if (breaks === 'none')
      changes.push({ event, version, field, kind: 'new', what, remedy: 'Run seaworthy events lock, and commit the lock.' })
    else changes.push(breaking(field, `${what} (${WHO[breaks]})`))
  }
  return changes
}

const WHO: Readonly<Record<Exclude<SchemaChange['breaks'], 'none'>, string>> = {
  backward: 'breaks backward compatibility: new code does not read old events',
  forward: 'breaks forward compatibility: old code does not read new events',
  both: 'breaks compatibility both ways',
}

function newVersion({ event, version, newest }: About): string {
  const next = Number(newest) + 1
  return `Leave version ${version} of ${event} as it was and declare version ${next} beside it; let consumers handle both, by an upcaster from ${version} to ${next}, before anybody publishes ${next}.`
}
