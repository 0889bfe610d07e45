import type { Known } from '../../application/last-known.ts'
import type { Paged, Product } from '../../application/ports.ts'
import { type Html, html } from './html.ts'
import { layout, money, STALE } from './layout.ts'
import { stars } from './product.ts'

/** The way in: products, by name. */
export function productsPage(search: string, { value, isStale }: Known<Paged<Product>>, pieces: number): string {
  const { items, total, page, pageSize } = value
  const title = search === '' ? 'Products' : `Products for “${search}”`
  return layout(
    { title, pieces, search },
    html`<h1>${title}</h1>
      ${isStale ? STALE : undefined}
      ${
        items.length === 0
          ? nothing(search, page)
          : html`<ul class="products">
              ${items.map(card)}
            </ul>`
      }
      ${pages(search, page, Math.ceil(total / pageSize))}`,
  )
}

function card(product: Product): Html {
  return html`<li>
    <a href="/products/${encodeURIComponent(product.id)}">
      <span class="category">${product.category}</span>
      <span class="title">${product.name}</span>
      <span class="row"><span class="price">${money(product.priceCents)}</span> ${stars(product)}</span>
    </a>
  </li> `
}

function nothing(search: string, page: number): Html {
  if (page > 1)
    return html`<p>There are no products on page ${page}. <a href="/?q=${encodeURIComponent(search)}">Back to the first page</a></p>`
  return search === ''
    ? html`<p>The catalog is empty. Fill it by <code>npm run shop:import</code>, or start the shop with a fresh data folder.</p>`
    : html`<p>Nothing is called “${search}”, and no category or brand is. <a href="/">All products</a></p>`
}

function pages(search: string, page: number, last: number): Html | undefined {
  if (last <= 1) return undefined
  const to = (number: number) => `/?${search === '' ? '' : `q=${encodeURIComponent(search)}&`}page=${number}`
  return html`<nav class="pages" aria-label="Pages">
    ${page > 1 ? html`<a rel="prev" href="${to(page - 1)}">Previous</a>` : html`<span></span>`}
    <span>Page ${page} of ${last}</span>
    ${page < last ? html`<a rel="next" href="${to(page + 1)}">Next</a>` : html`<span></span>`}
  </nav>`
}
