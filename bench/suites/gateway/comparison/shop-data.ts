import type { Random } from 'seaworthy/core'

/** What both sides read: the same rows, as a migration would have left them. */
export interface ShopData {
  readonly products: Product[]
  readonly customers: readonly Customer[]
  readonly orders: readonly Order[]
}

export interface Product {
  readonly id: number
  readonly sku: string
  readonly title: string
  readonly description: string
  priceCents: number
  stock: number
  readonly weightKg: number
  readonly tags: readonly string[]
  readonly brand: string | null
  readonly addedMs: number
  readonly reviews: readonly {
    readonly id: string
    readonly rating: number
    readonly comment: string
    readonly author: string
    readonly atMs: number
  }[]
}

export interface Customer {
  readonly id: string
  readonly name: string
  readonly city: string
  readonly email: string
}

export interface Order {
  readonly number: string
  readonly customerId: string
  readonly placedMs: number
  readonly freightCents: number
  readonly lines: readonly { readonly productId: number; readonly quantity: number; readonly discount: number }[]
}

const NOUNS = ['Chair', 'Lamp', 'Desk', 'Müsli', 'Café Crème', 'Rope', 'Kettle', 'Socks', 'Scarf', 'Jalapeño Sauce', 'Mug', 'Crate']
const ADJECTIVES = ['small', 'Grand', 'old', 'Öko', 'plain', 'shiny', 'robust', 'Señor', 'light', "sailor's", 'quiet', 'R&D']
const TAGS = ['sale', 'new', 'kitchen', 'office', 'outdoor', 'gift', 'eco', 'fragile']
const CITIES = ['Berlin', 'México D.F.', 'Luleå', 'Köln', 'London', 'Århus', 'São Paulo', 'Nantes']
const NAMES = [
  'Ada Lovelace',
  'Maria Anders',
  'Ana Trujillo',
  'Thomas Hardy',
  'Christina Berglund',
  'Hanna Moos',
  'Frédérique Citeaux',
  "Pat O'Hara",
]
const DAY_MS = 86_400_000

export function inventData(random: Random): ShopData {
  const below = (max: number) => Math.floor(random.float() * max)
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!
  const products = Array.from({ length: 60 }, (_, index): Product => ({
    id: 100 + index,
    sku: `${one(NOUNS).slice(0, 3).toUpperCase()}-${1_000 + index}`,
    title: `${one(ADJECTIVES)} ${one(NOUNS)} ${index}`,
    description: `A ${one(ADJECTIVES)} thing & more, <${one(TAGS)}> for "${one(NOUNS)}".`,
    priceCents: 199 + below(20_000),
    stock: below(100),
    weightKg: (1 + below(9_999)) / 1_000,
    tags: TAGS.filter(() => random.float() < 0.4),
    brand: random.float() < 0.2 ? null : one(ADJECTIVES),
    addedMs: Date.UTC(2025, 0, 1) + below(300) * DAY_MS + below(DAY_MS),
    reviews: Array.from({ length: below(6) }, (_, at) => ({
      id: hex(random, 8),
      rating: 1 + below(5),
      comment: `${one(ADJECTIVES)}!`,
      author: one(NAMES),
      atMs: Date.UTC(2025, 6, 1) + (at * 7 + below(7)) * DAY_MS + below(DAY_MS),
    })),
  }))
  const customers = NAMES.map((name, index): Customer => ({
    id: uuid(random),
    name,
    city: CITIES[index]!,
    email: `${name.split(' ')[0]!.toLowerCase()}@example.com`,
  }))
  const orders = Array.from({ length: 120 }, (_, index): Order => ({
    number: `SO-${20_000 + index}`,
    customerId: one(customers).id,
    placedMs: Date.UTC(2025, 9, 1) + below(120) * DAY_MS + below(DAY_MS),
    freightCents: below(5_000),
    lines: Array.from({ length: 1 + below(4) }, (_, at) => ({
      productId: 100 + ((index * 7 + at * 13) % 60),
      quantity: 1 + below(5),
      discount: one([0, 0, 0.05, 0.15]),
    })),
  }))
  return { products, customers, orders }
}

export function hex(random: Random, length: number): string {
  return Array.from({ length }, () => Math.floor(random.float() * 16).toString(16)).join('')
}

export function uuid(random: Random): string {
  const text = hex(random, 32)
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`
}
