import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'

/** A customer of another system, or of the seed. Its id comes from outside, so that taking it over twice changes nothing. */
export const importedCustomer = z.object({
  id,
  name: text.min(1).max(200),
  email: z.email().max(254),
})

export type ImportedCustomer = z.output<typeof importedCustomer>
