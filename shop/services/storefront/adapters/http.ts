import { type NewId, SeaworthyError } from 'seaworthy/core'
import type { Cookie, Page, PageAnswer, PageRequest } from '../../../platform/pages.ts'
import type { Card } from '../application/ports.ts'
import type { CheckoutForm, CheckoutOutcome, Storefront } from '../application/storefront.ts'
import { type Basket, piecesIn, QUANTITY_MAX, read, withMore, withQuantity, written } from '../domain/basket.ts'
import { basketPage, type CheckoutEntries } from './pages/basket.ts'
import { type Html, html } from './pages/html.ts'
import { notice, STYLE_PATH } from './pages/layout.ts'
import { orderPage } from './pages/order.ts'
import { productPage } from './pages/product.ts'
import { productsPage } from './pages/products.ts'
import { STYLE } from './pages/style.ts'
import { notFoundPage, unavailablePage } from './pages/trouble.ts'

const BASKET_COOKIE = 'basket'
const CUSTOMER_COOKIE = 'customer'
const KEEP_S = 30 * 24 * 3_600
const RETRY_AFTER_S = 2
const PAGE_MAX = 1_000_000
const KEY = /^[\w-]{8,100}$/
const ID = /^[\w.-]{1,100}$/
const CARDS: readonly string[] = ['ok', 'declined', 'slow'] satisfies readonly Card[]

/** The storefront's pages. They work without scripts; what a form changes is answered by "see other", so that reloading changes nothing again. */
export function storefrontPages({ storefront, newId }: { readonly storefront: Storefront; readonly newId: NewId }): readonly Page[] {
  const fresh = (request: PageRequest): CheckoutEntries => ({
    idempotencyKey: newId(),
    isKnown: customerOf(request) !== undefined,
    name: '',
    email: '',
    card: 'ok',
  })

  async function showBasket(request: PageRequest, basket: Basket, entries: CheckoutEntries, trouble?: Trouble): Promise<PageAnswer> {
    const shown = await storefront.basket(basket, request.call)
    const page = basketPage(shown, entries, piecesIn(basket), trouble?.says)
    const cookies = trouble?.cookies ?? []
    return trouble?.retryAfterS === undefined
      ? { kind: 'page', status: trouble?.status ?? 200, html: page, cookies }
      : { kind: 'page', status: trouble.status, html: page, cookies, retryAfterS: trouble.retryAfterS }
  }

  const pages: readonly Page[] = [
    {
      method: 'GET',
      path: '/',
      async handle({ query, cookies, call }) {
        const text = (query.get('q') ?? '').trim().slice(0, 200)
        const found = await storefront.products({ text, page: wholeNumber(query.get('page'), 1, PAGE_MAX) ?? 1 }, call)
        return page(200, productsPage(text, found, piecesIn(read(cookies.get(BASKET_COOKIE)))))
      },
    },
    {
      method: 'GET',
      path: '/products/:id',
      async handle({ params, cookies, call }) {
        const pieces = piecesIn(read(cookies.get(BASKET_COOKIE)))
        const shown = await storefront.product(params['id'] ?? '', call)
        return shown === undefined ? page(404, notFoundPage('product', pieces)) : page(200, productPage(shown, pieces))
      },
    },
    { method: 'GET', path: '/basket', handle: (request) => showBasket(request, basketOf(request), fresh(request)) },
    {
      method: 'POST',
      path: '/basket',
      handle: (request) => {
        const productId = request.form.get('productId') ?? ''
        const quantity = wholeNumber(request.form.get('quantity'), 1, QUANTITY_MAX) ?? 1
        return toBasket(ID.test(productId) ? withMore(basketOf(request), productId, quantity) : basketOf(request))
      },
    },
    {
      method: 'POST',
      path: '/basket/lines',
      handle: (request) => {
        const quantity = request.form.has('remove') ? 0 : wholeNumber(request.form.get('quantity'), 0, QUANTITY_MAX)
        const basket = basketOf(request)
        return toBasket(quantity === undefined ? basket : withQuantity(basket, request.form.get('productId') ?? '', quantity))
      },
    },
    {
      method: 'POST',
      path: '/checkout',
      async handle(request) {
        const basket = basketOf(request)
        const entries = entriesOf(request)
        if (entries === undefined || basket.length === 0) return toBasket(basket)
        const form = formOf(request, basket, entries)
        if (form === undefined) return showBasket(request, basket, entries, NOT_FILLED_IN)
        const outcome = await storefront.checkout(form, request.call)
        if (outcome.kind === 'placed') return toOrder(outcome)
        // A refusal is remembered under its key: another card needs another.
        const again = outcome.kind === 'refused' ? { ...entries, idempotencyKey: newId() } : entries
        const isKnown = entries.isKnown || outcome.customerId !== undefined
        return showBasket(request, basket, { ...again, isKnown }, troubleOf(outcome))
      },
    },
    {
      method: 'GET',
      path: '/orders/:id',
      async handle({ params, cookies, call }) {
        const pieces = piecesIn(read(cookies.get(BASKET_COOKIE)))
        const order = await storefront.order(params['id'] ?? '', call)
        return order === undefined ? page(404, notFoundPage('order', pieces)) : page(200, orderPage(order, pieces))
      },
    },
    { method: 'GET', path: STYLE_PATH, handle: () => ({ kind: 'asset', type: 'text/css; charset=utf-8', body: STYLE }) },
  ]
  return pages.map((each) => ({ ...each, handle: orUnavailable(each) }))
}

/** What cannot be shown at all is said in a page, with the number under which its trace is found. */
function orUnavailable({ path, handle }: Page): Page['handle'] {
  return async (request) => {
    try {
      return await handle(request)
    } catch (error) {
      if (!(error instanceof SeaworthyError) || request.call.signal?.aborted === true) throw error
      const title = path.startsWith('/orders') ? 'We cannot look at orders right now' : 'The catalog does not answer right now'
      const text = unavailablePage(title, request.call.correlationId, piecesIn(basketOf(request)))
      return { kind: 'page', status: 503, html: text, retryAfterS: RETRY_AFTER_S }
    }
  }
}

interface Trouble {
  readonly says: Html
  readonly status: number
  readonly cookies: readonly Cookie[]
  readonly retryAfterS?: number
}

const NOT_FILLED_IN: Trouble = { says: notice('serious', html`Say who you are: a name, and an e-mail address.`), status: 400, cookies: [] }

function troubleOf(outcome: Exclude<CheckoutOutcome, { kind: 'placed' }>): Trouble {
  const cookies = outcome.customerId === undefined ? [] : [customerCookie(outcome.customerId)]
  if (outcome.kind === 'refused') return { says: notice('serious', html`It was not ordered: ${outcome.why}`), status: 422, cookies }
  const says = outcome.mayBeBought
    ? html`<strong>We do not know yet whether it was ordered.</strong> Press the button again: it is the same order, and is bought once.`
    : html`<strong>Ordering does not work right now, and nothing was bought.</strong> Your basket is kept; press the button again in a
        moment.`
  return { says: notice('serious', says), status: 503, cookies, retryAfterS: RETRY_AFTER_S }
}

function basketOf({ cookies }: PageRequest): Basket {
  return read(cookies.get(BASKET_COOKIE))
}

function customerOf({ cookies }: PageRequest): string | undefined {
  const id = cookies.get(CUSTOMER_COOKIE)
  return id !== undefined && ID.test(id) ? id : undefined
}

/** What the form holds. Undefined for a form that no page of ours has. */
function entriesOf(request: PageRequest): CheckoutEntries | undefined {
  const { form } = request
  const idempotencyKey = form.get('key') ?? ''
  const card = form.get('card') ?? ''
  if (!KEY.test(idempotencyKey) || !CARDS.includes(card)) return undefined
  const isKnown = customerOf(request) !== undefined
  return { idempotencyKey, isKnown, card, name: (form.get('name') ?? '').trim(), email: (form.get('email') ?? '').trim() }
}

function formOf(request: PageRequest, basket: Basket, { idempotencyKey, card, name, email }: CheckoutEntries): CheckoutForm | undefined {
  const customerId = customerOf(request)
  if (customerId === undefined && (name === '' || email === '')) return undefined
  const buyer = customerId === undefined ? ({ kind: 'new', name, email } as const) : ({ kind: 'known', customerId } as const)
  return { basket, buyer, card: card as Card, idempotencyKey }
}

function page(status: number, text: string): PageAnswer {
  return { kind: 'page', status, html: text }
}

function toBasket(basket: Basket): PageAnswer {
  return { kind: 'see-other', location: '/basket', cookies: [basketCookie(basket)] }
}

/** The basket of an order that was rejected stays: another card, or a smaller order, may do. */
function toOrder({ orderId, customerId, status }: Extract<CheckoutOutcome, { kind: 'placed' }>): PageAnswer {
  const cookies = [customerCookie(customerId), ...(status === 'rejected' ? [] : [basketCookie([])])]
  return { kind: 'see-other', location: `/orders/${encodeURIComponent(orderId)}`, cookies }
}

function basketCookie(basket: Basket): Cookie {
  return { name: BASKET_COOKIE, value: written(basket), maxAgeS: basket.length === 0 ? 0 : KEEP_S }
}

function customerCookie(customerId: string): Cookie {
  return { name: CUSTOMER_COOKIE, value: encodeURIComponent(customerId), maxAgeS: KEEP_S }
}

/** Undefined for what is no whole number within the bounds. */
function wholeNumber(text: string | null, least: number, most: number): number | undefined {
  const number = text !== null && /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  return number >= least && number <= most ? number : undefined
}
