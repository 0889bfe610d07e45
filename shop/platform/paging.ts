import { z } from 'zod'

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

/** What a query for a page has. */
export const paging = {
  /** Pages count from 1. */
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  pageSize: z.coerce.number().int().min(1).max(100).default(20),
}

/** What its answer has. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item).readonly(),
    page: z.int(),
    pageSize: z.int(),
    total: z.int().meta({ description: 'Of all pages together.' }),
  })
