import { readFileSync, writeFileSync } from 'node:fs'
import { ConfigurationError } from 'seaworthy/core'

/** A version of an event, as it was published. */
export interface LockedEvent {
  readonly topic: string
  /** The fields that its key is made of. */
  readonly key: string
  /** JSON Schema (2020-12) of its data. */
  readonly schema: Readonly<Record<string, unknown>>
}

/** Published events: by type, then by version. */
export type EventLock = Readonly<Record<string, Readonly<Record<string, LockedEvent>>>>

const LOCK_VERSION = 1

/** @returns undefined when there is none yet. @throws ConfigurationError when it is no lock */
export function readLock(path: string): EventLock | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { lockVersion, events } = JSON.parse(text) as { lockVersion?: unknown; events?: unknown }
    if (lockVersion === LOCK_VERSION && typeof events === 'object' && events !== null) return events as EventLock
  } catch (cause) {
    throw new ConfigurationError(`${path} is no lock of events: ${String(cause)}. Restore it from version control.`, { cause })
  }
  throw new ConfigurationError(`${path} is no lock of events that this command knows. Restore it from version control.`)
}

export function writeLock(path: string, events: EventLock): void {
  writeFileSync(path, `${JSON.stringify(sorted({ lockVersion: LOCK_VERSION, events }), null, 2)}\n`)
}

/** With the names of each object in order: what is equal reads equal, and a diff shows what changed. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
      .map(([name, part]) => [name, sorted(part)]),
  )
}
