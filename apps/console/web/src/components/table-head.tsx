import type { JSX } from 'preact'

/** A column by its name; one of numbers stands on the right. */
export type Column = string | { readonly number: string }

/** The head of a table whose columns are no more than names. */
export function TableHead({ columns }: { columns: readonly Column[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const name = typeof column === 'string' ? column : column.number
          return (
            <th key={name} scope="col" class={typeof column === 'string' ? undefined : 'number'}>
              {name}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}
