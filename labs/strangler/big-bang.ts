import { join } from 'node:path'
import { sleep, systemClock } from 'seaworthy/core'
import type { Booking } from './booking.ts'
import { Gateway } from './gateway.ts'
import { SLOW_RELEASE } from './planted-faults.ts'
import { bigBangRoutes } from './routes.ts'
import { portsFor, PROGRAMS, Shop, url } from './shop.ts'
import { Users } from './users.ts'

export interface BigBangOptions {
  readonly outDir: string
  readonly token: string
  readonly monolithUrl: string
  readonly names: readonly string[]
  readonly seed: number
  /** How long each of the two faults is in front of users. */
  readonly eachMs: number
}

/** What users met when reviews were moved at once. */
export interface BigBang {
  readonly bookings: readonly Booking[]
  /** From when on the slow release answered. */
  readonly slowFromMs: number
  readonly eachMs: number
}

/**
 * The same service with the same faults, in front of the same users, as it is done where there is nothing else: the data was copied at night, and in the morning all
 * routes lead to it. Beside the monolith, which goes on for whatever is not about reviews.
 */
export async function bigBang({ outDir, token, monolithUrl, names, seed, eachMs }: BigBangOptions): Promise<BigBang> {
  const shop = new Shop({ dataDir: join(outDir, 'big-bang'), outDir, token })
  const ports = await portsFor('reviews')
  const endpoints = { catalog: monolithUrl, customers: monolithUrl }
  await using reviews = await shop.startService({
    name: 'reviews',
    file: PROGRAMS.carelessReviews,
    port: ports.reviews,
    endpoints,
    // The same as the monolith has: what a copy at night would have brought.
    isSeeded: true,
  })
  const settings = { upstreams: { monolith: monolithUrl, reviews: url(ports.reviews) }, routes: bigBangRoutes() }
  await using gateway = await Gateway.start({ folder: join(outDir, 'big-bang', 'gateway'), outDir, settings })
  const bookings: Booking[] = []
  const users = new Users({ url: gateway.url, names, seed, onBooking: (booking) => void bookings.push(booking) })
  await sleep(systemClock, eachMs)
  const slowFromMs = systemClock.now()
  reviews.suffer(SLOW_RELEASE)
  await sleep(systemClock, eachMs)
  await users.stop()
  return { bookings, slowFromMs, eachMs }
}
