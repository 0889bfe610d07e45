import { z } from 'zod'

/** Stock of a product that inventory does not know yet. For one that it knows, its own count holds. */
export const importedStock = z.object({
  productId: z.string().min(1).max(100),
  quantity: z.int().min(0),
})

export type ImportedStock = z.output<typeof importedStock>
