import { type GrpcImplementation, implement } from '@seaworthy/rpc/grpc'
import { validate } from 'seaworthy/core'
import { z } from 'zod'
import { requiredKey } from '../../../platform/required-key.ts'
import type { Booking } from '../application/booking.ts'
import { Shipping } from '../contract/gen/shipping_pb.js'

const bookRequest = z.object({
  orderId: z.string().min(1).max(100),
  customerId: z.string().min(1).max(100),
  lines: z
    .array(z.object({ productId: z.string().min(1).max(100), name: z.string().max(200), quantity: z.int().min(1) }))
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
