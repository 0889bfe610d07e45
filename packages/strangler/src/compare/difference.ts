import type { Json } from './json.ts'

/**
 * How a field differs:
 * - `value`, `type`: another value, of the same type or not.
 * - `missing`, `added`: the monolith has the field, or the element, and the service has not; or the other way.
 * - `order`: the same elements in another order; or an order that the monolith never breaks is broken.
 * - `length`: a list of another length whose elements cannot be told apart.
 * - `format`: the field differs by nature, and what the service says has not the form that the monolith's values have.
 * - `range`: the same, and it is further away than the monolith ever is from itself.
 * - `repeated`: the monolith's value is new each time, the service's is the same again and again.
 */
export type DifferenceKind = 'value' | 'type' | 'missing' | 'added' | 'order' | 'length' | 'format' | 'range' | 'repeated'

export interface Difference {
  readonly kind: DifferenceKind
  /** The field whatever the element: `body.items[].price`. What is learned, and what differences are grouped by. */
  readonly field: string
  /** Where exactly: `body.items[id=17].price`. */
  readonly path: string
  readonly expected?: Json
  readonly actual?: Json
  /** What the value would have had to be. */
  readonly detail?: string
}

/** Two differences of one field and kind are the same to whoever reads about them. */
export const groupOf = ({ field, kind }: Pick<Difference, 'field' | 'kind'>): string => `${kind} ${field}`
