import { type Html, html } from './html.ts'

export const STYLE_PATH = '/storefront.css'

/** Money as a person reads it. */
export function money(cents: number): string {
  return (cents / 100).toLocaleString('en', { style: 'currency', currency: 'EUR' })
}

export interface Surroundings {
  readonly title: string
  /** Pieces in the basket. */
  readonly pieces: number
  /** What was searched for, to stand in the field. */
  readonly search?: string
  /** Loads the page anew after so many seconds. */
  readonly refreshS?: number
}

/** A whole page around its main part. */
export function layout({ title, pieces, search = '', refreshS }: Surroundings, main: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refreshS === undefined ? undefined : html`<meta http-equiv="refresh" content="${refreshS}" />`}
        <title>${title} · The shop</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${STYLE_PATH}" />
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <a class="name" href="/">The shop</a>
          <form role="search" action="/" method="get">
            <input type="search" name="q" value="${search}" maxlength="200" placeholder="Search products" aria-label="Search products" />
            <button>Search</button>
          </form>
          <a class="basket" href="/basket">Basket <span class="count" aria-label="${pieces} pieces">${pieces}</span></a>
        </header>
        <main id="main">${main}</main>
        <footer>A reference system of Seaworthy. Nothing here is for sale. <a href="/api/openapi.json">The API</a></footer>
      </body>
    </html> `.text
}

/** Something that a person has to know about this page. */
export function notice(kind: 'calm' | 'serious', content: Html): Html {
  return html`<p class="notice ${kind}" role="${kind === 'serious' ? 'alert' : 'status'}">${content}</p>`
}

export const STALE = notice(
  'calm',
  html`The catalog does not answer just now. You see what we knew last; the price is checked when you order.`,
)
