import { type GrpcImplementation, implement } from '@seaworthy/rpc/grpc'
import { NotFoundError, validate } from 'seaworthy/core'
import { z } from 'zod'
import { id } from '../../../platform/text.ts'
import { requiredKey } from '../../../platform/required-key.ts'
import type { StockRepository } from '../application/ports.ts'
import type { StockKeeping } from '../application/stock-keeping.ts'
import { Inventory } from '../contract/gen/inventory_pb.js'
import { totalOf } from '../domain/stock.ts'

const reserveRequest = z.object({
  orderId: id,
  lines: z
    .array(z.object({ productId: id, quantity: z.int().min(1) }))
    .min(1)
    .max(1_000)
    .readonly(),
})

export function inventoryOverGrpc({ keeping, stock }: { keeping: StockKeeping; stock: StockRepository }): GrpcImplementation {
  return implement(Inventory, {
    reserve: (request, call) => keeping.reserve(requiredKey(call), validate(reserveRequest, request, 'The reservation')),
    release: async (_, call) => {
      await keeping.release(requiredKey(call))
      return {}
    },
    getStock: async ({ productId }) => {
      const level = await stock.level(productId)
      if (level === undefined) throw new NotFoundError(`There is no stock of ${productId}: nobody ever received it.`)
      return {
        productId,
        onHand: BigInt(level.onHand),
        reserved: BigInt(level.reserved),
        shipped: BigInt(level.shipped),
        total: BigInt(totalOf(level)),
      }
    },
  })
}
