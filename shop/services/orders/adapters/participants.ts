import { type GrpcClient } from '@seaworthy/rpc/grpc'
import type { Inventory as InventoryApi } from '../../inventory/contract/gen/inventory_pb.js'
import type { Payments as PaymentsApi } from '../../payments/contract/gen/payments_pb.js'
import type { Shipping as ShippingApi } from '../../shipping/contract/gen/shipping_pb.js'
import type { Inventory, Payments, Shipping } from '../application/ports.ts'

export function inventoryOver(client: GrpcClient<typeof InventoryApi>): Inventory {
  return {
    async reserve({ orderId, lines }, call) {
      const { reservationId } = await client.reserve(
        { orderId, lines: lines.map(({ productId, quantity }) => ({ productId, quantity })) },
        call,
      )
      return { reservationId }
    },
    async release({ orderId }, call) {
      await client.release({ orderId }, call)
    },
  }
}

export function paymentsOver(client: GrpcClient<typeof PaymentsApi>): Payments {
  return {
    async charge({ orderId, customerId, amountCents, card }, call) {
      const { paymentId, consistencyToken } = await client.charge({ orderId, customerId, amountCents: BigInt(amountCents), card }, call)
      return { paymentId, ...(consistencyToken !== '' && { consistencyToken }) }
    },
    async refund({ orderId }, call) {
      await client.refund({ orderId }, call)
    },
  }
}

export function shippingOver(client: GrpcClient<typeof ShippingApi>): Shipping {
  return {
    async book({ orderId, customerId, lines }, call) {
      const { shipmentId } = await client.book(
        { orderId, customerId, lines: lines.map(({ productId, name, quantity }) => ({ productId, name, quantity })) },
        call,
      )
      return { shipmentId }
    },
  }
}
