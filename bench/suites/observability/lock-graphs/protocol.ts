/** What a transaction has to itself until it ends. Numbers are never used twice. */
export interface Lock {
  readonly kind: 'row' | 'advisory' | 'table'
  readonly number: number
}

export type Command = { readonly id: number; readonly transaction: number } & (
  | { readonly kind: 'begin' }
  /** `thenEnd`: at once when it has the lock, so that it holds up those behind it no longer than that. */
  | { readonly kind: 'take'; readonly lock: Lock; readonly thenEnd: boolean }
  | { readonly kind: 'end' }
)

/** The span of a transaction, as it would be exported. */
export interface ToldSpan {
  readonly traceId: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** The traces that it has links to. */
  readonly linked: readonly string[]
}

export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly traceId?: string | undefined }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string }
  | { readonly kind: 'span'; readonly span: ToldSpan }

export const ROWS = 20_000

/** The statement that takes a lock, or waits for it. */
export function statementFor({ kind, number }: Lock): string {
  switch (kind) {
    case 'row':
      return `UPDATE thing SET touched = touched + 1 WHERE id = ${number}`
    case 'advisory':
      return `SELECT pg_advisory_xact_lock(${number})`
    case 'table':
      return `LOCK TABLE thing_${number % 50} IN ACCESS EXCLUSIVE MODE`
  }
}
