import type { Schema } from 'seaworthy/core'
import type { EventRef, FaultKind, Invariant, System } from '@seaworthy/simulation'
import type { SchemaComponent } from 'seaworthy/sqlite'

/** A small system around one chapter of the library, and what must hold in it whatever goes wrong. */
export interface SimulatedWorld {
  readonly name: string
  /** The folder of the library that it puts to the test. */
  readonly chapter: string
  readonly system: System
  readonly invariants: readonly Invariant[]
  /** Faults that may strike. Default: all. */
  readonly faults?: readonly FaultKind[]
  /** The share of its histories that is run along with all other worlds, above 0 and up to 1. Asked for by its name, all are run. Default 1. */
  readonly share?: number
}

/** Tables of a service's own, each statement once. */
export function tables(component: string, sql: string): SchemaComponent {
  return { component, versions: [sql] }
}

/** A schema that takes whatever comes: these worlds are not about validation. */
export function acceptAnything<T>(): Schema<T> {
  return { '~standard': { version: 1, vendor: 'simulation', validate: (value) => ({ value: value as T }) } }
}

/** Ids as the checkers take them; `what` is for the message. */
export function named(what: string, ids: Iterable<string>): readonly EventRef[] {
  return [...ids].map((id) => ({ id, type: what }))
}

/** What arrived, each with its place among its causes as its number. */
export function numbered(
  arrived: readonly { readonly key: string; readonly id: string }[],
  caused: readonly { readonly id: string }[],
): readonly { readonly key: string; readonly id: string; readonly sequence: number }[] {
  const place = new Map(caused.map(({ id }, index) => [id, index]))
  return arrived.map(({ key, id }) => ({ key, id, sequence: place.get(id)! }))
}
