import { createHash } from 'node:crypto'
import type { CutOverLimits } from './limits.ts'
import type { AnyEntity, DirectedMapping, TableDeclaration, Tables } from './mapping.ts'
import { comparable } from './entity-tables.ts'
import { emptyEntity, isEmpty } from './mapping.ts'
import type { Entity, Side } from './side.ts'

/** A range of keys, in the order of the side that was scanned. */
export interface RangeChecksum {
  readonly first: string
  readonly last: string
  readonly keys: number
  /** 64 hexadecimal digits of SHA-256 over what the source's rows become, key by key. */
  readonly expected: string
  readonly found: string
}

export interface Verification {
  readonly kind: 'equal' | 'different'
  readonly ranges: number
  readonly keys: number
  /** Keys under which the target has something else than what the source's rows become. At most `differencesMax` of them. */
  readonly differing: readonly string[]
  /** Ranges whose checksums differ, at most as many. */
  readonly differingRanges: readonly RangeChecksum[]
}

/** What stands under a key, in a form that does not depend on engine, order of columns, or order of rows. */
function fingerprint(entity: AnyEntity, tables: Tables): string {
  const parts = Object.entries(tables).map(([name, declaration]) => [name, rowsOf(entity[name] ?? [], declaration)])
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function rowsOf(rows: AnyEntity[string], { columns }: TableDeclaration): readonly string[] {
  return rows.map((row) => JSON.stringify(columns.map((column) => comparable(row[column]!)))).toSorted()
}

export interface Comparison {
  readonly mapping: DirectedMapping
  /** Of the target. */
  readonly tables: Tables
  readonly source: Side
  readonly target: Side
  readonly limits: Pick<CutOverLimits, 'rangeKeysMax' | 'differencesMax'>
  /** Waits until the feed has brought over what the source had just now: a key that changes meanwhile is looked at again. */
  readonly settle: () => Promise<void>
  readonly signal: AbortSignal
}

// A key that differs is looked at as often: it may be changing all the time.
const LOOKS_MAX = 4

/** Compares every key of both sides, range by range. Users go on writing meanwhile. */
export async function compareSides(comparison: Comparison): Promise<Verification> {
  const { source, target, limits } = comparison
  const tally = { ranges: 0, keys: 0, differing: [] as string[], differingRanges: [] as RangeChecksum[] }
  for (const scanned of [source, target]) {
    let after: string | null = null
    for (;;) {
      comparison.signal.throwIfAborted()
      const { keys } = await scanned.scan({ after, max: limits.rangeKeysMax })
      if (keys.length === 0) break
      after = keys.at(-1)!
      tally.ranges++
      if (scanned === source) tally.keys += keys.length
      // What both have was compared in the first round.
      const asked = scanned === source ? keys : await absentKeys(source, keys)
      const range = await compareRange(comparison, asked)
      if (range === undefined) continue
      if (tally.differingRanges.length < limits.differencesMax) tally.differingRanges.push(range.checksums)
      tally.differing.push(...range.differing.slice(0, limits.differencesMax - tally.differing.length))
    }
  }
  return { kind: tally.differing.length === 0 ? 'equal' : 'different', ...tally }
}

async function absentKeys(source: Side, keys: readonly string[]): Promise<readonly string[]> {
  const { entities } = await source.read({ keys, upTo: 0 })
  return entities.filter(({ tables }) => isEmpty(tables)).map(({ key }) => key)
}

/** Undefined where both sides have the same. */
async function compareRange(
  comparison: Comparison,
  keys: readonly string[],
): Promise<{ readonly checksums: RangeChecksum; readonly differing: readonly string[] } | undefined> {
  let asked = keys
  for (let look = 1; asked.length > 0; look++) {
    const [expected, found] = await Promise.all([
      comparison.source.read({ keys: asked, upTo: 0 }).then(({ entities }) => prints(entities, comparison, comparison.mapping)),
      comparison.target.read({ keys: asked, upTo: 0 }).then(({ entities }) => prints(entities, comparison, undefined)),
    ])
    const differing = asked.filter((_, index) => expected[index] !== found[index])
    if (differing.length === 0) return undefined
    if (look === LOOKS_MAX) {
      const checksums = { first: keys[0]!, last: keys.at(-1)!, keys: keys.length, expected: over(expected), found: over(found) }
      return { checksums, differing }
    }
    await comparison.settle()
    asked = differing
  }
  return undefined
}

/** @param mapping what makes the source's rows comparable; undefined for the target's own */
function prints(entities: readonly Entity[], { tables }: Comparison, mapping: DirectedMapping | undefined): readonly string[] {
  return entities.map(({ key, tables: rows }) => {
    if (mapping === undefined) return fingerprint(rows, tables)
    try {
      return fingerprint(isEmpty(rows) ? emptyEntity(tables) : mapping.map(rows, key), tables)
    } catch (error) {
      // A key without an answer is a difference, whatever the target has.
      return `unmapped: ${(error as Error).message}`
    }
  })
}

function over(fingerprints: readonly string[]): string {
  return createHash('sha256').update(fingerprints.join('\n')).digest('hex')
}
