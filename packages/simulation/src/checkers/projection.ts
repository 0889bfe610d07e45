import { violated } from '../errors.ts'

/** One look at a read model, in the order of looking. */
export interface Reading {
  /** What was looked at: a row, a counter, a checkpoint. */
  readonly key: string
  /** How far it was: a version, a position, a count. */
  readonly version: number
  /** Who looked, or when; for the message. */
  readonly seenBy?: string
}

/**
 * A projection never goes back: whoever has seen a version does not see an older one later.
 * @param options `readings`: in the order of time; `projection`: its name, for the message
 * @throws Violation naming the key, and both readings
 */
export function monotoneProjection(options: { readonly readings: Iterable<Reading>; readonly projection: string }): void {
  const newest = new Map<string, Reading>()
  for (const reading of options.readings) {
    const before = newest.get(reading.key)
    if (before !== undefined && reading.version < before.version) {
      violated(`Projection ${options.projection} went back at ${reading.key}: ${seen(before)}, and later ${seen(reading)}.`)
    }
    newest.set(reading.key, reading)
  }
}

function seen({ version, seenBy }: Reading): string {
  return `${seenBy === undefined ? '' : `${seenBy} saw `}version ${version}`
}
