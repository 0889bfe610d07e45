import { restContract } from '@seaworthy/rpc/rest'
import { z } from 'zod'
import { RECORDS_MAX, takeOverOutcome } from '../../../platform/take-over.ts'
import { importedStock } from './import.ts'

/** Taking over from other systems. On the service's own port, never routed by the gateway. What is known already is left as it is. */
export const inventoryImport = restContract({
  title: 'Import into inventory',
  version: '1.0.0',
  operations: {
    importStock: {
      method: 'POST',
      path: '/internal/import/stock',
      summary: 'Take over stock of products that inventory does not know yet',
      body: z.object({ stock: z.array(importedStock).min(1).max(RECORDS_MAX) }),
      responses: { 200: takeOverOutcome },
    },
  },
})
