import type { OrderView } from '../../application/ports.ts'
import { type Html, html } from './html.ts'
import { layout, money, notice } from './layout.ts'

const REFRESH_S = 3

const REASONS: Readonly<Record<string, string>> = {
  'out-of-stock': 'we do not have enough of it',
  'card-declined': 'the card was declined',
  'shipping-refused': 'nobody would deliver it',
  'credit-limit-exceeded': 'it exceeds what one order may cost',
}

/** What became of an order. While it is pending the page asks again by itself. */
export function orderPage(order: OrderView, pieces: number): string {
  return layout(
    { title: 'Your order', pieces, ...(order.status === 'pending' && { refreshS: REFRESH_S }) },
    html`<h1>Your order</h1>
      ${outcome(order)}
      <table>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col" class="number">Quantity</th>
            <th scope="col" class="number">Price</th>
          </tr>
        </thead>
        <tbody>
          ${order.lines.map(
            ({ name, quantity, priceCents }) =>
              html`<tr>
                <td>${name}</td>
                <td class="number">${quantity}</td>
                <td class="number">${money(priceCents * quantity)}</td>
              </tr> `,
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colspan="2">Together</th>
            <td class="number">${money(order.totalCents)}</td>
          </tr>
        </tfoot>
      </table>
      <p class="muted">
        Order ${order.orderId}, placed ${order.placedAt.slice(0, 16).replace('T', ' ')} UTC. This address shows how it stands, whenever you
        come back.
      </p>
      <p><a href="/">Go on shopping</a></p>`,
  )
}

function outcome({ status, reason }: OrderView): Html {
  switch (status) {
    case 'completed':
      return notice('calm', html`<strong>Paid, and on its way.</strong> A letter confirms it.`)
    case 'pending':
      return notice(
        'calm',
        html`<strong>Accepted; the outcome is pending.</strong> We keep asking, and it will be completed or taken back: you need not order
          again, and this page keeps itself up to date.`,
      )
    case 'rejected':
      return notice(
        'serious',
        html`<strong>It was not fulfilled</strong>, because ${REASONS[reason ?? ''] ?? reason ?? 'something stood in its way'}. Whatever was
          taken has been given back.`,
      )
  }
}
