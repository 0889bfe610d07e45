import type { EndpointName } from './shop-endpoints.ts'
import { hex, uuid } from './shop-data.ts'
import type { Change, Surroundings } from './side.ts'

export interface NoiseSource {
  readonly name: string
  readonly endpoint: EndpointName
  readonly change: Change
}

const shuffled = <T>(list: readonly T[], { random }: Surroundings): T[] => {
  const left = [...list]
  const drawn: T[] = []
  while (left.length > 0) drawn.push(...left.splice(Math.floor(random.float() * left.length), 1))
  return drawn
}

const base64 = (text: string) => Buffer.from(text).toString('base64url')
const iso = (atMs: number) => new Date(atMs).toISOString()
/** A few thousand years of microseconds from now, as Go and Rust write them: without the zeros at the end. */
const trimmed = (atMs: number, random: { float(): number }) =>
  iso(atMs).replace(
    /\d{3}Z$/,
    () =>
      `${
        String(Math.floor(random.float() * 1e6))
          .padStart(6, '0')
          .replace(/0+$/, '') || '0'
      }Z`,
  )

/** Thirty ways in which two right answers differ. Both sides do it, each with its own chance and clock. */
export const NOISE_SOURCES: readonly NoiseSource[] = [
  { name: 'a UUID per request', endpoint: 'product', change: ({ body }, { random }) => (body.requestId = uuid(random)) },
  { name: 'a time in ISO 8601', endpoint: 'product', change: ({ body }, { nowMs }) => (body.generatedAt = iso(nowMs)) },
  { name: 'a time in seconds since 1970', endpoint: 'order', change: ({ body }, { nowMs }) => (body.servedAt = Math.floor(nowMs / 1_000)) },
  {
    name: 'a time in milliseconds since 1970',
    endpoint: 'order',
    change: ({ body }, { nowMs }) => (body.meta = { ...body.meta, ts: Math.round(nowMs) }),
  },
  {
    name: 'an HTTP date',
    endpoint: 'statistics',
    change: ({ headers }, { nowMs }) => headers.set('expires', new Date(nowMs + 60_000).toUTCString()),
  },
  {
    name: 'a time with a zone and microseconds without zeros',
    endpoint: 'search',
    change: ({ body }, { nowMs, random }) => (body.at = trimmed(nowMs, random).replace('Z', '+00:00')),
  },
  { name: 'a prefixed random token', endpoint: 'search', change: ({ body }, { random }) => (body.searchId = `srch_${hex(random, 24)}`) },
  {
    name: 'a session cookie',
    endpoint: 'products',
    change: ({ headers }, { random }) => headers.set('set-cookie', `sid=${base64(hex(random, 24))}; Path=/; HttpOnly; SameSite=Lax`),
  },
  {
    name: 'an identifier of the request in a header',
    endpoint: 'order',
    change: ({ headers }, { random }) => headers.set('x-trace', hex(random, 32)),
  },
  {
    name: 'how long it took',
    endpoint: 'search',
    change: ({ body }, { random }) => (body.tookMs = Math.floor(2 + random.float() ** 4 * 200)),
  },
  { name: 'a list without an order', endpoint: 'product', change: ({ body }, around) => (body.tags = shuffled(body.tags, around)) },
  {
    name: 'a list of objects without an order',
    endpoint: 'product',
    change: ({ body }, around) => (body.reviews = shuffled(body.reviews, around)),
  },
  {
    name: 'ties in a sorted list',
    endpoint: 'search',
    change: ({ body }, around) => (body.hits = shuffled(body.hits as { score: number }[], around).sort((a, b) => b.score - a.score)),
  },
  {
    name: 'rounding in the last place',
    endpoint: 'statistics',
    change: ({ body }, { random }) => {
      for (const group of Object.values(body.groups as Record<string, { share: number }>)) group.share *= 1 + (random.float() - 0.5) * 1e-9
    },
  },
  {
    name: 'cents that come from a sum of doubles',
    endpoint: 'customerOrders',
    change: ({ body }, { random }) => (body.spent = Math.round(body.spent * 100 + (random.float() - 0.5) * 2) / 100),
  },
  {
    name: 'a field that is left out at times',
    endpoint: 'product',
    change: ({ body }, { random }) => void (random.float() < 0.5 && delete body.dimensions),
  },
  {
    name: 'null at times',
    endpoint: 'order',
    change: ({ body }, { random }) => (body.promotion = random.float() < 0.5 ? null : 'FREE-SHIPPING'),
  },
  {
    name: 'one of two experiments',
    endpoint: 'products',
    change: ({ body }, { random }) => (body.variant = random.float() < 0.5 ? 'control' : 'wide-images'),
  },
  {
    name: 'one of five servers',
    endpoint: 'products',
    change: ({ headers }, { random }) => headers.set('x-served-by', `web-${Math.floor(random.float() * 5)}`),
  },
  {
    name: 'how many requests were served',
    endpoint: 'statistics',
    change: ({ body }, { served, startedMs }) => (body.served = (startedMs % 7_919) + served),
  },
  {
    name: 'how long it runs',
    endpoint: 'products',
    change: ({ body }, { nowMs, startedMs }) => (body.uptimeS = Math.round((nowMs - startedMs) / 100) / 10),
  },
  {
    name: 'a signed address',
    endpoint: 'product',
    change: ({ body }, { nowMs, random }) => {
      body.download = `https://cdn.example/p/${body.id}/sheet.pdf?expires=${Math.floor(nowMs / 1_000) + 900}&signature=${hex(random, 40)}`
    },
  },
  {
    name: 'a cursor that nobody can read',
    endpoint: 'customerOrders',
    change: ({ body }, { nowMs, random }) => (body.cursor = base64(`${body.count}:${Math.round(nowMs)}:${hex(random, 6)}`)),
  },
  {
    name: 'recommendations by chance',
    endpoint: 'customerOrders',
    change: ({ body }, { random }) => {
      body.recommended = Array.from({ length: 3 }, () => {
        const id = 100 + Math.floor(random.float() * 60)
        return { id, title: `Product ${id}`, price: (id * 37) % 90 }
      })
    },
  },
  {
    name: 'a list of another length each time',
    endpoint: 'statistics',
    change: ({ body }, { random, nowMs }) => {
      body.recent = Array.from({ length: 2 + Math.floor(random.float() * 4) }, () => ({
        at: iso(nowMs - random.float() * 60_000),
        visitors: Math.floor(random.float() * 50),
      }))
    },
  },
  {
    name: 'a sentence with the time in it',
    endpoint: 'missing',
    change: ({ body }, { nowMs }) => (body.hint = `Looked at ${iso(nowMs).slice(11, 19)} in shop de-1.`),
  },
  {
    name: 'an identifier of the error',
    endpoint: 'missing',
    change: ({ body }, { random }) => (body.instance = `/errors/${uuid(random)}`),
  },
  {
    name: 'a rate that moves',
    endpoint: 'order',
    change: ({ body }, { nowMs, random }) =>
      (body.rates = { USD: Math.round((1.08 + Math.sin(nowMs / 1e6) * 0.002 + (random.float() - 0.5) * 0.002) * 1e4) / 1e4 }),
  },
  { name: 'a text with the time in a file', endpoint: 'export', change: (draft, { nowMs }) => void (draft.body += `\r\n# ${iso(nowMs)}`) },
  {
    name: 'a token that ends in padding',
    endpoint: 'customerOrders',
    change: ({ headers }, { random }) =>
      headers.set('x-csrf', Buffer.from(hex(random, 16 + Math.floor(random.float() * 3))).toString('base64')),
  },
]
