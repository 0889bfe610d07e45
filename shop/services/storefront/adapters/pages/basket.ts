import type { BasketShown } from '../../application/storefront.ts'
import { QUANTITY_MAX } from '../../domain/basket.ts'
import { type Html, html } from './html.ts'
import { layout, money, notice, STALE } from './layout.ts'

/** What stands in the form of the checkout. */
export interface CheckoutEntries {
  readonly idempotencyKey: string
  /** They bought before, and need not say who they are. */
  readonly isKnown: boolean
  readonly name: string
  readonly email: string
  readonly card: string
}

const CARDS = [
  ['ok', 'A card that works'],
  ['slow', 'A card that takes two seconds'],
  ['declined', 'A card that is declined'],
] as const

/** The basket, and the form that buys it. `trouble` says why an attempt has not gone through. */
export function basketPage(basket: BasketShown, entries: CheckoutEntries, pieces: number, trouble?: Html): string {
  if (basket.lines.length === 0) {
    return layout(
      { title: 'Basket', pieces: 0 },
      html`<h1>Basket</h1>
        ${goneOf(basket)}
        <p>Nothing is in it yet. <a href="/">Look at the products</a></p>`,
    )
  }
  return layout(
    { title: 'Basket', pieces },
    html`<h1>Basket</h1>
      ${trouble} ${basket.isStale ? STALE : undefined} ${goneOf(basket)}
      <table>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col">Quantity</th>
            <th scope="col" class="number">Price</th>
          </tr>
        </thead>
        <tbody>
          ${basket.lines.map(line)}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colspan="2">Together</th>
            <td class="number">${money(basket.totalCents)}</td>
          </tr>
        </tfoot>
      </table>
      ${checkoutForm(entries)}`,
  )
}

function line({ product, quantity }: BasketShown['lines'][number]): Html {
  const id = `quantity-${product.id}`
  return html`<tr>
    <td><a href="/products/${encodeURIComponent(product.id)}">${product.name}</a></td>
    <td>
      <form class="inline" action="/basket/lines" method="post">
        <input type="hidden" name="productId" value="${product.id}" />
        <label class="hidden" for="${id}">Quantity of ${product.name}</label>
        <input id="${id}" type="number" name="quantity" value="${quantity}" min="0" max="${QUANTITY_MAX}" required />
        <button>Change</button>
        <button name="remove" value="yes" formnovalidate>Remove</button>
      </form>
    </td>
    <td class="number">${money(product.priceCents * quantity)}</td>
  </tr> `
}

function goneOf({ gone }: BasketShown): Html | undefined {
  if (gone.length === 0) return undefined
  return notice(
    'calm',
    html`${gone.length === 1 ? 'A product is' : `${gone.length} products are`} not in the catalog any more, and will not be ordered.`,
  )
}

function checkoutForm({ idempotencyKey, isKnown, name, email, card }: CheckoutEntries): Html {
  return html`<form class="checkout" action="/checkout" method="post">
    <h2>Buy</h2>
    <input type="hidden" name="key" value="${idempotencyKey}" />
    ${
      isKnown
        ? html`<p class="muted">You bought here before; the order goes to the same customer.</p>`
        : html`<label>Name <input name="name" value="${name}" autocomplete="name" maxlength="200" required /></label>
            <label>E-mail <input type="email" name="email" value="${email}" autocomplete="email" maxlength="254" required /></label>`
    }
    <fieldset>
      <legend>Pay with</legend>
      ${CARDS.map(([value, label]) => html`<label><input type="radio" name="card" value="${value}" ${value === card ? html`checked` : undefined} /> ${label}</label>`)}
    </fieldset>
    <button class="primary">Order and pay</button>
  </form>`
}
