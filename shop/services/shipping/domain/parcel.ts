export interface ParcelLine {
  readonly productId: string
  readonly name: string
  readonly quantity: number
}

export interface Shipment {
  readonly id: string
  readonly orderId: string
  readonly customerId: string
  readonly lines: readonly ParcelLine[]
  readonly state: 'booked' | 'cancelled'
}

/** The carrier takes one parcel per order, and this many pieces fit in. */
export const PIECES_MAX = 100

export type ParcelDecision = { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly pieces: number }

/** Whether the carrier takes the parcel. */
export function inspect(lines: readonly ParcelLine[]): ParcelDecision {
  const pieces = lines.reduce((sum, line) => sum + line.quantity, 0)
  return pieces > PIECES_MAX ? { kind: 'refused', pieces } : { kind: 'accepted' }
}
