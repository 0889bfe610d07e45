import { z } from 'zod'
import { id } from '../../../platform/text.ts'

/** Stock of a product that inventory does not know yet. For one that it knows, its own count holds. */
export const importedStock = z.object({
  productId: id,
  quantity: z.int().min(0),
})

export type ImportedStock = z.output<typeof importedStock>
