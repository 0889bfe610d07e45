/** What a service of ours and one with the stock SDK measure and log alike. */
export const BOUNDS: readonly number[] = [0.005, 0.1, 1, 10]
export const SECONDS: readonly number[] = [0.001, 0.005, 0.3, 0.4, 20]
export const COUNTED = [
  ['DE', 2],
  ['NO', 1],
] as const
export const LOGGED = { body: 'order placed', attributes: { orderId: 'o-1', totalCents: 1_499, express: true, items: ['a', 'b'] } } as const
