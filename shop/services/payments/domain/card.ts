/** What the card company says to a charge. `slow` approves, and takes its time to tell us. */
export type CardAnswer =
  | { readonly kind: 'approved'; readonly delayMs: number }
  | { readonly kind: 'declined' }
  | { readonly kind: 'unknown-card' }

/** Longer than a caller waits for one attempt: it has to live with an unknown outcome. */
const SLOW_MS = 2_000

/** The test cards. */
export function askCardCompany(card: string): CardAnswer {
  switch (card) {
    case 'ok':
      return { kind: 'approved', delayMs: 0 }
    case 'slow':
      return { kind: 'approved', delayMs: SLOW_MS }
    case 'declined':
      return { kind: 'declined' }
    default:
      return { kind: 'unknown-card' }
  }
}
