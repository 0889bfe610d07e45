import type { JSX } from 'preact'

/** A column by its name; one of numbers stands on the right, one of buttons has a name for those who do not see them alone. What it counts is said where the pointer rests. */
export type Column =
  | string
  | { readonly name: string; readonly title: string }
  | { readonly number: string; readonly title?: string }
  | { readonly hidden: string }

/** The head of a table whose columns are no more than names. */
export function TableHead({ columns }: { columns: readonly Column[] }): JSX.Element {
  return (
    <thead>
      <tr>{columns.map(head)}</tr>
    </thead>
  )
}

function head(column: Column): JSX.Element {
  if (typeof column === 'string') return head({ name: column, title: '' })
  if ('hidden' in column) {
    return (
      <th key={column.hidden} scope="col">
        <span class="hidden">{column.hidden}</span>
      </th>
    )
  }
  const isNumber = 'number' in column
  const name = isNumber ? column.number : column.name
  return (
    <th key={name} scope="col" class={isNumber ? 'number' : undefined} title={column.title || undefined}>
      {name}
    </th>
  )
}
