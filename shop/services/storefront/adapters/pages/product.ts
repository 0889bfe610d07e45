import type { Product, Review } from '../../application/ports.ts'
import type { ProductShown, ReviewsShown } from '../../application/storefront.ts'
import { QUANTITY_MAX } from '../../domain/basket.ts'
import { type Html, html } from './html.ts'
import { layout, money, notice, STALE } from './layout.ts'

const STARS = 5

/** One product, to be bought whether its reviews are there or not. */
export function productPage({ product: { value: product, isStale }, reviews }: ProductShown, pieces: number): string {
  return layout(
    { title: product.name, pieces },
    html`${isStale ? STALE : undefined}
      <article class="product">
        <p class="category">${product.category}${product.brand === undefined ? undefined : html` · ${product.brand}`}</p>
        <h1>${product.name}</h1>
        <p class="row"><span class="price">${money(product.priceCents)}</span> ${stars(product)}</p>
        <p>${product.description}</p>
        <form action="/basket" method="post">
          <input type="hidden" name="productId" value="${product.id}" />
          <label>Quantity <input type="number" name="quantity" value="1" min="1" max="${QUANTITY_MAX}" required /></label>
          <button class="primary">Put into the basket</button>
        </form>
      </article>
      <section aria-labelledby="reviews">
        <h2 id="reviews">Reviews</h2>
        ${reviewsOf(reviews)}
      </section>`,
  )
}

/** The mean rating, in words for whoever does not see stars. */
export function stars({ rating, reviewCount }: Pick<Product, 'rating' | 'reviewCount'>): Html {
  if (rating === undefined) return html`<span class="muted">no reviews yet</span>`
  const full = Math.round(rating)
  const text = `${rating.toFixed(1)} of ${STARS}, ${reviewCount} ${reviewCount === 1 ? 'review' : 'reviews'}`
  return row(full, text)
}

function row(full: number, text: string): Html {
  return html`<span class="stars" role="img" aria-label="${text}" title="${text}">${'★'.repeat(full)}${'☆'.repeat(STARS - full)}</span>`
}

function reviewsOf(shown: ReviewsShown): Html {
  if (shown.kind === 'unavailable') return notice('calm', html`Reviews are not available right now. You can buy all the same.`)
  const { items, total } = shown.reviews
  if (items.length === 0) return html`<p class="muted">Nobody has reviewed it yet.</p>`
  return html`<ul class="reviews">
      ${items.map(review)}
    </ul>
    ${total > items.length ? html`<p class="muted">The newest ${items.length} of ${total}.</p>` : undefined}`
}

function review({ author, rating, comment, createdAt }: Review): Html {
  return html`<li>
    <p class="row">
      <strong>${author}</strong> ${row(rating, `${rating} of ${STARS}`)} <span class="muted">${createdAt.slice(0, 10)}</span>
    </p>
    ${comment === '' ? undefined : html`<p>${comment}</p>`}
  </li> `
}
