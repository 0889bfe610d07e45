import { PostgresModelError } from './errors.ts'
import { type Row, type Truth, type Value, compareValues, identityOf } from './values.ts'

/** An expression: a value as it is, or how to come by one. */
export type Expression =
  | Value
  | { readonly kind: 'column'; readonly name: string }
  /** The row that an INSERT … ON CONFLICT DO UPDATE would have inserted. */
  | { readonly kind: 'excluded'; readonly name: string }
  | { readonly kind: 'plus'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'nextval'; readonly sequence: string }
  /** This transaction's id; gives it one if it has none. */
  | { readonly kind: 'current-xid' }
  /** The oldest transaction id that was running when the statement began: every id below it had ended by then. */
  | { readonly kind: 'snapshot-xmin' }

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='

export type Condition =
  | { readonly kind: 'compare'; readonly left: Expression; readonly operator: Comparison; readonly right: Expression }
  | { readonly kind: 'and'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'or'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'is-null'; readonly expression: Expression }
  | { readonly kind: 'in'; readonly expression: Expression; readonly values: readonly Value[] }

export const column = (name: string): Expression => ({ kind: 'column', name })
export const excluded = (name: string): Expression => ({ kind: 'excluded', name })
export const plus = (left: Expression, right: Expression): Expression => ({ kind: 'plus', left, right })
export const nextval = (sequence: string): Expression => ({ kind: 'nextval', sequence })
export const currentXid = (): Expression => ({ kind: 'current-xid' })
export const snapshotXmin = (): Expression => ({ kind: 'snapshot-xmin' })

export const compare = (left: Expression, operator: Comparison, right: Expression): Condition => ({
  kind: 'compare',
  left,
  operator,
  right,
})
/** The column of this name equals the value. */
export const equals = (name: string, right: Expression): Condition => compare(column(name), '=', right)
export const and = (...conditions: readonly Condition[]): Condition => ({ kind: 'and', conditions })
export const or = (...conditions: readonly Condition[]): Condition => ({ kind: 'or', conditions })
export const not = (condition: Condition): Condition => ({ kind: 'not', condition })
export const isNull = (expression: Expression): Condition => ({ kind: 'is-null', expression })
export const isIn = (expression: Expression, values: readonly Value[]): Condition => ({ kind: 'in', expression, values })

/** What an expression may refer to. */
export interface Scope {
  readonly row?: Row | undefined
  readonly excluded?: Row | undefined
  readonly session: {
    nextval(sequence: string): number
    currentXid(): number
    readonly snapshotXmin: number
  }
}

export function isValue(expression: Expression): expression is Value {
  return typeof expression !== 'object' || expression === null || expression instanceof Uint8Array
}

export function evaluate(expression: Expression, scope: Scope): Value {
  if (isValue(expression)) return expression
  switch (expression.kind) {
    case 'column':
      return field(scope.row, expression.name)
    case 'excluded':
      return field(scope.excluded, expression.name)
    case 'plus': {
      const left = evaluate(expression.left, scope)
      const right = evaluate(expression.right, scope)
      if (left === null || right === null) return null
      if (typeof left !== 'number' || typeof right !== 'number') throw new PostgresModelError('42883', 'Only numbers can be added.')
      return left + right
    }
    case 'nextval':
      return scope.session.nextval(expression.sequence)
    case 'current-xid':
      return scope.session.currentXid()
    case 'snapshot-xmin':
      return scope.session.snapshotXmin
  }
}

function field(row: Row | undefined, name: string): Value {
  const value = row?.[name]
  if (value === undefined) throw new PostgresModelError('42703', `There is no column ${name} here.`)
  return value
}

/** SQL's three-valued logic: what compares with null is unknown. */
export function holds(condition: Condition, scope: Scope): Truth {
  switch (condition.kind) {
    case 'compare': {
      const left = evaluate(condition.left, scope)
      const right = evaluate(condition.right, scope)
      if (left === null || right === null) return null
      if (typeof left !== typeof right) throw new PostgresModelError('42883', `A ${typeof left} is compared with a ${typeof right}.`)
      return compares(compareValues(left, right), condition.operator)
    }
    case 'and':
      return conjunction(condition.conditions.map((each) => holds(each, scope)))
    case 'or':
      return negated(conjunction(condition.conditions.map((each) => negated(holds(each, scope)))))
    case 'not':
      return negated(holds(condition.condition, scope))
    case 'is-null':
      return evaluate(condition.expression, scope) === null
    case 'in': {
      const value = evaluate(condition.expression, scope)
      if (condition.values.length === 0) return false
      if (value === null) return null
      if (memberSet(condition.values).has(identityOf([value]))) return true
      return condition.values.includes(null) ? null : false
    }
  }
}

// A list is compared with many rows: its set is made once.
const memberSets = new WeakMap<readonly Value[], ReadonlySet<string>>()

function memberSet(values: readonly Value[]): ReadonlySet<string> {
  let set = memberSets.get(values)
  if (set === undefined) {
    set = new Set(values.map((value) => identityOf([value])))
    memberSets.set(values, set)
  }
  return set
}

function negated(truth: Truth): Truth {
  return truth === null ? null : !truth
}

function conjunction(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false
  return truths.includes(null) ? null : true
}

function compares(order: number, operator: Comparison): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}
