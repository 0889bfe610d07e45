import { sorted } from './event-lock.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * A change of a published schema.
 * - `backward`: today's code refuses data that was published before, and lies in logs, outboxes and dead letters.
 * - `forward`: code that was deployed before refuses, or misses, what is published from now on.
 * - `none`: neither; a new optional field.
 */
export interface SchemaChange {
  /** As in `lines[].priceCents`; empty for the data as a whole. */
  readonly field: string
  readonly breaks: 'backward' | 'forward' | 'both' | 'none'
  readonly what: string
}

/** Words for people, which no validator reads. */
const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
])
/** A greater value accepts less. */
const LOWER_BOUNDS = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains'])
/** A greater value accepts more. */
const UPPER_BOUNDS = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains'])
/** Schemas below, each at its place. What stands under `not`, `if` and their like turns directions round, and is compared as a whole. */
const LISTS = new Set(['anyOf', 'allOf', 'prefixItems'])
const MAPS = new Set(['$defs', 'patternProperties'])

/** Every difference between a published schema and the one that is declared now, field by field. */
export function schemaChanges(before: unknown, after: unknown, field = ''): readonly SchemaChange[] {
  if (!isSchema(before) || !isSchema(after))
    return isEqual(before, after) ? [] : [{ field, breaks: 'both', what: `${short(before)} became ${short(after)}` }]
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)].filter((keyword) => !ANNOTATIONS.has(keyword)))
  return [...keywords].flatMap((keyword) => keywordChanges(keyword, before, after, field))
}

function keywordChanges(keyword: string, before: Json, after: Json, field: string): readonly SchemaChange[] {
  const [old, now] = [before[keyword], after[keyword]]
  if (keyword === 'properties') return propertyChanges(before, after, field)
  // Told with the property that it is about.
  if (keyword === 'required') return requiredChanges(before, after, field)
  if (isEqual(old, now)) return []
  if (keyword === 'type') return typeChanges(old, now, field)
  if (keyword === 'items' && isSchema(old) && isSchema(now)) return schemaChanges(old, now, `${field}[]`)
  if (LISTS.has(keyword) && Array.isArray(old) && Array.isArray(now)) {
    if (old.length === now.length)
      return old.flatMap((part, at) => schemaChanges(part, now[at], keyword === 'prefixItems' ? `${field}[${at}]` : field))
    if (keyword === 'anyOf') return [alternatives(old, now, field)]
  }
  if (MAPS.has(keyword) && isSchema(old) && isSchema(now))
    return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name) => schemaChanges(old[name], now[name], field))
  if (keyword === 'enum' && Array.isArray(old) && Array.isArray(now)) return enumChanges(old, now, field)
  if (LOWER_BOUNDS.has(keyword)) return [bound(keyword, old ?? -Infinity, now ?? -Infinity, field)]
  if (UPPER_BOUNDS.has(keyword)) return [flipped(bound(keyword, old ?? Infinity, now ?? Infinity, field))]
  return [{ field, breaks: breaksOf(old, now), what: `${keyword} ${described(old)} became ${described(now)}` }]
}

/** A rule that came accepts less than before, one that went more; one that changed may do both. */
function breaksOf(old: unknown, now: unknown): SchemaChange['breaks'] {
  return old === undefined ? 'backward' : now === undefined ? 'forward' : 'both'
}

function propertyChanges(before: Json, after: Json, field: string): readonly SchemaChange[] {
  const [old, now] = [recordOf(before['properties']), recordOf(after['properties'])]
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name): readonly SchemaChange[] => {
    const path = field === '' ? name : `${field}.${name}`
    if (!Object.hasOwn(now, name)) {
      const what = 'the field is gone, and consumers that were deployed before may read it'
      return [
        isOpen(after)
          ? { field: path, breaks: 'forward', what }
          : { field: path, breaks: 'both', what: `${what}; a strict schema refuses it now` },
      ]
    }
    if (Object.hasOwn(old, name)) return schemaChanges(old[name], now[name], path)
    if (namesOf(after).has(name))
      return [{ field: path, breaks: 'backward', what: 'a new field is required, and what was published before has none' }]
    if (!isOpen(before))
      return [
        { field: path, breaks: 'forward', what: 'a new field, which consumers that were deployed before refuse: their schema is strict' },
      ]
    return [{ field: path, breaks: 'none', what: 'a new optional field' }]
  })
}

/** Whether it takes fields that it does not name, whatever they hold. */
function isOpen({ additionalProperties = true }: Json): boolean {
  return additionalProperties === true || (isSchema(additionalProperties) && Object.keys(additionalProperties).length === 0)
}

function requiredChanges(before: Json, after: Json, field: string): readonly SchemaChange[] {
  const [old, now] = [namesOf(before), namesOf(after)]
  const [was, is] = [recordOf(before['properties']), recordOf(after['properties'])]
  // Fields that came or went are told of as such.
  const came = (name: string) => !Object.hasOwn(was, name) && Object.hasOwn(is, name)
  const went = (name: string) => Object.hasOwn(was, name) && !Object.hasOwn(is, name)
  const path = (name: string) => (field === '' ? name : `${field}.${name}`)
  const became = [...now].filter((name) => !old.has(name) && !came(name))
  const ceased = [...old].filter((name) => !now.has(name) && !went(name))
  return [
    ...became.map((name): SchemaChange => ({
      field: path(name),
      breaks: 'backward',
      what: 'it is required now, and what was published before may lack it',
    })),
    ...ceased.map((name): SchemaChange => ({
      field: path(name),
      breaks: 'forward',
      what: 'it is optional now, and consumers that were deployed before require it',
    })),
  ]
}

/** By what a type accepts: a number may be whole. */
function typeChanges(old: unknown, now: unknown, field: string): readonly SchemaChange[] {
  const accepted = (type: unknown) => [type].flat().flatMap((name) => (name === 'number' ? ['number', 'integer'] : [name]))
  const breaks = old === undefined || now === undefined ? breaksOf(old, now) : breaksOfSets(accepted(old), accepted(now))
  return breaks === 'none' ? [] : [{ field, breaks, what: `type ${described(old)} became ${described(now)}` }]
}

function alternatives(old: readonly unknown[], now: readonly unknown[], field: string): SchemaChange {
  const breaks = breaksOfSets(old, now)
  return { field, breaks: breaks === 'none' ? 'both' : breaks, what: `${old.length} alternatives became ${now.length}` }
}

/** Of what is accepted: something that went is missed by old data, something that came by old code. */
function breaksOfSets(old: readonly unknown[], now: readonly unknown[]): SchemaChange['breaks'] {
  const hasLost = missing(old, now).length > 0
  const hasWon = missing(now, old).length > 0
  return hasLost ? (hasWon ? 'both' : 'backward') : hasWon ? 'forward' : 'none'
}

function missing(from: readonly unknown[], than: readonly unknown[]): readonly unknown[] {
  return from.filter((value) => !than.some((other) => isEqual(value, other)))
}

function enumChanges(old: readonly unknown[], now: readonly unknown[], field: string): readonly SchemaChange[] {
  const [gone, added] = [missing(old, now), missing(now, old)]
  return [
    ...(gone.length === 0
      ? []
      : [{ field, breaks: 'backward', what: `${gone.map(short).join(', ')} is no longer allowed, and was published before` } as const]),
    ...(added.length === 0
      ? []
      : [
          {
            field,
            breaks: 'forward',
            what: `${added.map(short).join(', ')} is allowed now, and consumers that were deployed before refuse it`,
          } as const,
        ]),
  ]
}

function bound(keyword: string, old: unknown, now: unknown, field: string): SchemaChange {
  const breaks = typeof old !== 'number' || typeof now !== 'number' ? 'both' : now > old ? 'backward' : 'forward'
  return { field, breaks, what: `${keyword} ${described(old)} became ${described(now)}` }
}

function flipped(change: SchemaChange): SchemaChange {
  const breaks = change.breaks === 'backward' ? 'forward' : change.breaks === 'forward' ? 'backward' : change.breaks
  return { ...change, breaks }
}

function namesOf({ required }: Json): ReadonlySet<string> {
  return new Set(Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [])
}

function recordOf(value: unknown): Json {
  return isSchema(value) ? value : {}
}

function isSchema(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
}

function described(value: unknown): string {
  return value === undefined || value === Infinity || value === -Infinity ? '(none)' : short(value)
}

const SHORT_LENGTH_MAX = 80

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > SHORT_LENGTH_MAX ? `${text.slice(0, SHORT_LENGTH_MAX)}…` : text
}
