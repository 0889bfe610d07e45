/** What somebody is about to buy. It lives in their browser, so a storefront that restarts forgets nothing and keeps nothing about anybody. */
export type Basket = readonly BasketLine[]

interface BasketLine {
  readonly productId: string
  /** From 1. */
  readonly quantity: number
}

// A cookie holds about 4,000 bytes, and ids are 36 characters, or fewer.
export const LINES_MAX = 40
export const QUANTITY_MAX = 99
const COOKIE_CHARACTERS_MAX = 3_500
const ID_CHARACTERS_MAX = 100

/** Sets how many of a product are in the basket; 0 takes it out. What exceeds the limits is cut, and a new product finds no place in a full basket. */
export function withQuantity(basket: Basket, productId: string, quantity: number): Basket {
  const wanted = Math.min(QUANTITY_MAX, quantity)
  if (wanted < 1) return basket.filter((line) => line.productId !== productId)
  if (basket.some((line) => line.productId === productId)) {
    return basket.map((line) => (line.productId === productId ? { productId, quantity: wanted } : line))
  }
  const larger = [...basket, { productId, quantity: wanted }]
  return larger.length > LINES_MAX || written(larger).length > COOKIE_CHARACTERS_MAX ? basket : larger
}

/** Puts so many more of a product into the basket. */
export function withMore(basket: Basket, productId: string, quantity: number): Basket {
  return withQuantity(basket, productId, quantityOf(basket, productId) + quantity)
}

function quantityOf(basket: Basket, productId: string): number {
  return basket.find((line) => line.productId === productId)?.quantity ?? 0
}

export function piecesIn(basket: Basket): number {
  return basket.reduce((pieces, { quantity }) => pieces + quantity, 0)
}

/** As it stands in a cookie: `product:2,another:1`. */
export function written(basket: Basket): string {
  return basket.map(({ productId, quantity }) => `${encodeURIComponent(productId)}:${quantity}`).join(',')
}

/** What a cookie says. It comes from outside: whatever is no line of a basket is left out. */
export function read(cookie: string | undefined): Basket {
  if (cookie === undefined || cookie.length > COOKIE_CHARACTERS_MAX) return []
  let basket: Basket = []
  for (const part of cookie.split(',')) {
    const [, id, digits] = /^([^:]+):(\d{1,3})$/.exec(part) ?? []
    const productId = id === undefined ? undefined : decoded(id)
    if (productId !== undefined && productId.length <= ID_CHARACTERS_MAX) basket = withMore(basket, productId, Number(digits))
  }
  return basket
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
