import { isDeepStrictEqual } from 'node:util'

/**
 * True when a state comes back from JSON as it went in. A Map or a Date would not: a stream loaded from such a snapshot would differ from
 * the stream itself.
 */
export function survivesJson(state: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(state)), state)
  } catch {
    // Nothing at all, a bigint or a circle: JSON has no form for it.
    return false
  }
}
