import { type GrpcImplementation, implement } from '@seaworthy/rpc/grpc'
import { validate } from 'seaworthy/core'
import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'
import { requiredKey } from '../../../platform/required-key.ts'
import type { Booking } from '../application/booking.ts'
import { Shipping } from '../contract/gen/shipping_pb.js'

const bookRequest = z.object({
  orderId: id,
  customerId: id,
  lines: z
    .array(z.object({ productId: id, name: text.max(200), quantity: z.int().min(1) }))
    .min(1)
    .max(1_000)
    .readonly(),
})

export function shippingOverGrpc(booking: Booking): GrpcImplementation {
  return implement(Shipping, {
    book: (request, call) => booking.book(requiredKey(call), validate(bookRequest, request, 'The booking')),
    cancel: async (_, call) => {
      await booking.cancel(requiredKey(call))
      return {}
    },
  })
}
