import { html } from './html.ts'
import { layout } from './layout.ts'

/** Nothing is here. */
export function notFoundPage(what: 'product' | 'order', pieces: number): string {
  const title = what === 'product' ? 'There is no such product' : 'There is no such order'
  return layout(
    { title, pieces },
    html`<h1>${title}</h1>
      <p>It may have been taken out of the shop, or the address is not whole. <a href="/">All products</a></p>`,
  )
}

/** Something is not to be had just now. `reference` finds it in the traces. */
export function unavailablePage(title: string, reference: string, pieces: number): string {
  return layout(
    { title, pieces },
    html`<h1>${title}</h1>
      <p role="alert">Something that this page needs does not answer. Your basket is kept. <a href="">Try again</a> in a moment.</p>
      <p class="muted">If it stays like this, tell us this number: <code>${reference}</code></p>`,
  )
}
