/** One page of a list. Pages count from 1. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly page: number
  readonly pageSize: number
  /** Of all pages together. */
  readonly total: number
}

export interface PageRequest {
  readonly page: number
  readonly pageSize: number
}

export function offsetOf({ page, pageSize }: PageRequest): number {
  return (page - 1) * pageSize
}
