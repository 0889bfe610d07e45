import { type GrpcImplementation, implement } from '@seaworthy/rpc/grpc'
import { validate } from 'seaworthy/core'
import { z } from 'zod'
import { id, text } from '../../../platform/text.ts'
import { requiredKey } from '../../../platform/required-key.ts'
import type { Charging } from '../application/charging.ts'
import { Payments } from '../contract/gen/payments_pb.js'

const chargeRequest = z.object({
  orderId: id,
  customerId: id,
  amountCents: z.bigint().min(1n).max(BigInt(Number.MAX_SAFE_INTEGER)).transform(Number),
  card: text.min(1).max(100),
})

/** @param tokenOf what a query of the statements waits by for a payment to be in them */
export function paymentsOverGrpc(charging: Charging, tokenOf: (paymentId: string) => Promise<string>): GrpcImplementation {
  return implement(Payments, {
    async charge(request, call) {
      const { paymentId } = await charging.charge(requiredKey(call), validate(chargeRequest, request, 'The charge'), call.signal)
      return { paymentId, consistencyToken: await tokenOf(paymentId) }
    },
    refund: async (_, call) => {
      await charging.refund(requiredKey(call))
      return {}
    },
  })
}
