import { isDeepStrictEqual } from 'node:util'
import { type Random, seededRandom, sleep, systemClock } from 'seaworthy/core'
import { BookedShop, type Booking } from './booking.ts'
import { judgeList, type Judgement, type ListedReview } from './reviews-as-read.ts'

/** An account as the shop shows it. */
export interface Account {
  readonly id: string
  readonly name: string
  readonly email: string
}

export interface UsersOptions {
  /** Where the shop is. */
  readonly url: string
  /** As the gateway tells users apart: `user-1` and so on. */
  readonly names: readonly string[]
  readonly seed: number
  readonly onBooking: (booking: Booking) => void
}

/** Of the seed. */
const PRODUCTS = 500
const THINK_MS = 150
const PAGE_SIZE = 50
const SEARCHES = ['shoes', 'table', 'games', 'steel', 'fresh'] as const
/** How often each is done, of a hundred. */
const TURNS = { look: 47, write: 11, search: 12, product: 18, account: 8, register: 4 } as const

type Turn = keyof typeof TURNS

interface User {
  readonly name: string
  readonly random: Random
  account: Account
  readonly reviews: ListedReview[]
}

/**
 * People who use the shop, one thing after another: they register, browse, write reviews, and look at them. Everything is booked, and each answer is judged by what
 * they know: what they have written must be there, and every review must be as its writer was told that it is.
 */
export class Users {
  /** Reviews whose writing was answered, as it was answered. */
  readonly known = new Map<string, ListedReview>()
  readonly accounts = new Map<string, Account>()
  readonly #shop: BookedShop
  readonly #stopping = new AbortController()
  readonly #living: Promise<unknown>
  #reviewed = 0

  constructor({ url, names, seed, onBooking }: UsersOptions) {
    this.#shop = new BookedShop(url, onBooking)
    this.#living = Promise.all(names.map((name, index) => this.#live(name, seededRandom(seed * 1_000 + index))))
    // Whoever stops them is told.
    this.#living.catch(() => undefined)
  }

  /** Everybody finishes what they are at. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#living
  }

  async #live(name: string, random: Random): Promise<void> {
    const { signal } = this.#stopping
    const account = await this.#register(name, random)
    if (account === undefined) return
    const user: User = { name, random, account, reviews: [] }
    while (!signal.aborted) {
      await this.#turns[turnOf(random)](user)
      await sleep(systemClock, THINK_MS * (0.5 + random.float()), signal).catch(() => undefined)
    }
  }

  readonly #turns: Readonly<Record<Turn, (user: User) => Promise<unknown>>> = {
    look: (user) => this.#look(user, this.#productFor(user)),
    write: (user) => this.#write(user),
    search: ({ name, random }) =>
      this.#shop.ask(name, 'search products', { path: `/api/products?q=${SEARCHES[Math.floor(random.float() * SEARCHES.length)]!}` }),
    product: (user) => this.#shop.ask(user.name, 'see a product', { path: `/api/products/${this.#productFor(user)}` }),
    account: (user) => this.#seeAccount(user),
    register: async (user) => {
      user.account = (await this.#register(user.name, user.random)) ?? user.account
      await this.#seeAccount(user)
    },
  }

  /** What they have written about is looked at again and again. */
  #productFor({ random, reviews }: User): string {
    const own = random.float() < 0.5 ? reviews[Math.floor(random.float() * reviews.length)] : undefined
    return own?.productId ?? `product-${1 + Math.floor(random.float() * PRODUCTS)}`
  }

  async #write(user: User): Promise<void> {
    const { name, random, account, reviews } = user
    // Each is about another product than those just before.
    const productId = `product-${1 + (this.#reviewed++ % PRODUCTS)}`
    const body = {
      productId,
      customerId: account.id,
      rating: 1 + Math.floor(random.float() * 5),
      comment: `${name} says ${this.#reviewed}`,
    }
    const written = await this.#shop.ask<ListedReview>(name, 'write a review', { method: 'POST', path: '/api/reviews', body })
    if (written === undefined) return
    this.known.set(written.id, written)
    reviews.push(written)
    await this.#look(user, productId)
  }

  async #look({ name, reviews }: User, productId: string): Promise<void> {
    const own = reviews.filter((review) => review.productId === productId)
    await this.#shop.ask<{ readonly items: readonly ListedReview[] }>(
      name,
      'list reviews',
      { path: `/api/reviews?productId=${productId}&pageSize=${PAGE_SIZE}` },
      ({ items }) => judgeList(items, own, this.known),
    )
  }

  async #register(name: string, random: Random): Promise<Account | undefined> {
    const body = { name, email: `${name}-${Math.floor(random.float() * 1e9)}@example.com` }
    const account = await this.#shop.ask<Account>(name, 'register', { method: 'POST', path: '/api/customers', body })
    if (account !== undefined) this.accounts.set(account.id, account)
    return account
  }

  async #seeAccount({ name, account }: User): Promise<void> {
    const judge = (shown: Account): Judgement =>
      isDeepStrictEqual(shown, account) ? { outcome: 'served' } : { outcome: 'wrong', why: JSON.stringify(shown) }
    await this.#shop.ask<Account>(name, 'see an account', { path: `/api/customers/${account.id}` }, judge)
  }
}

function turnOf(random: Random): Turn {
  let drawn = random.float() * 100
  for (const [turn, share] of Object.entries(TURNS)) {
    drawn -= share
    if (drawn < 0) return turn as Turn
  }
  return 'look'
}
