/** What is to be told to whom. JSON-able: it waits in the queue as it is. The address is looked up when the letter is written. */
export type Letter =
  | { readonly kind: 'welcome'; readonly customerId: string }
  | {
      readonly kind: 'order-confirmation'
      readonly customerId: string
      readonly orderId: string
      readonly lines: readonly LetterLine[]
      readonly totalCents: number
    }

interface LetterLine {
  readonly name: string
  readonly quantity: number
  readonly priceCents: number
}

export interface Recipient {
  readonly customerId: string
  readonly name: string
  readonly email: string
}

/** An e-mail before it is encoded. */
export interface Email {
  readonly to: { readonly name: string; readonly address: string }
  readonly subject: string
  readonly text: string
  /** What it is about, for machines: becomes the header `X-Order-Id`. */
  readonly orderId?: string
}

export function compose(letter: Letter, recipient: Recipient): Email {
  const to = { name: recipient.name, address: recipient.email }
  switch (letter.kind) {
    case 'welcome':
      return { to, subject: 'Welcome aboard', text: `Dear ${recipient.name},\n\nyour account is ready.\n\nThe shop\n` }
    case 'order-confirmation': {
      const lines = letter.lines.map((line) => `${String(line.quantity).padStart(5)} × ${line.name} at ${amount(line.priceCents)}`)
      return {
        to,
        subject: `Your order ${letter.orderId} is on its way`,
        text: `Dear ${recipient.name},\n\nthank you for your order ${letter.orderId}:\n\n${lines.join('\n')}\n\nTotal: ${amount(letter.totalCents)}\n\nThe shop\n`,
        orderId: letter.orderId,
      }
    }
  }
}

function amount(cents: number): string {
  return `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
