import type { Place } from '../../../src/map/call-matcher.ts'

export type PlaceKind = 'service' | 'database' | 'topic' | 'external' | 'outside'

const NAME_LENGTH_MAX = 26

export const edgeId = (caller: string, callee: string): string => `${caller}>${callee}`

export function placeKind(place: Place): PlaceKind {
  return place.slice(0, place.indexOf(':')) as PlaceKind
}

/** What people call it. */
export function placeName(place: Place): string {
  return place === 'outside:' ? 'Outside' : place.slice(place.indexOf(':') + 1)
}

/** A name that fits into a node; the whole one stands in its title. */
export function shortName(name: string): string {
  return name.length <= NAME_LENGTH_MAX ? name : `${name.slice(0, NAME_LENGTH_MAX - 1)}…`
}
