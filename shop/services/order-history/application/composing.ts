import type { CallContext } from 'seaworthy/core'
import type { ParcelState } from './order-history.ts'

/** An order, as whoever owns it answers. */
export interface OwnedOrder {
  readonly orderId: string
  readonly status: 'pending' | 'completed' | 'rejected'
  readonly reason?: string | undefined
  readonly lines: readonly {
    readonly productId: string
    readonly name: string
    readonly quantity: number
    readonly priceCents: number
    readonly discountCents?: number | undefined
  }[]
  readonly totalCents: number
  readonly placedAt: string
}

/** Those who own the parts of the answer. */
export interface Owners {
  orders(
    customerId: string,
    options: { readonly page: number; readonly pageSize: number },
    call: CallContext,
  ): Promise<{ readonly items: readonly OwnedOrder[]; readonly total: number }>
  /** Of all of these orders by one call. */
  parcels(orderIds: readonly string[], call: CallContext): Promise<ReadonlyMap<string, ParcelState>>
}

export type ComposeHistory = (
  customerId: string,
  options: { readonly page: number; readonly pageSize: number },
  call: CallContext,
) => Promise<{ readonly items: readonly (OwnedOrder & { readonly parcel?: ParcelState })[]; readonly total: number }>

/**
 * The history by API composition: asks those who own its parts, and joins their answers. As fresh as they are; without orders there is no answer, without
 * shipping there is one without parcels.
 */
export function composingHistory(owners: Owners): ComposeHistory {
  return async (customerId, options, call) => {
    const { items, total } = await owners.orders(customerId, options, call)
    const none: ReadonlyMap<string, ParcelState> = new Map()
    const ids = items.map(({ orderId }) => orderId)
    const known = ids.length === 0 ? none : await owners.parcels(ids, call).catch(() => none)
    return {
      items: items.map((order) => {
        const parcel = known.get(order.orderId)
        return parcel === undefined ? order : { ...order, parcel }
      }),
      total,
    }
  }
}
