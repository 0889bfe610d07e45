import type { Verification } from '@seaworthy/strangler/cut-over'
import { sleep, systemClock } from 'seaworthy/core'
import { type Audit, audit } from './audit.ts'
import type { Booking } from './booking.ts'
import { compared, type Found } from './comparison.ts'
import { eventually } from '../eventually.ts'
import type { Extraction } from './extraction.ts'
import type { LedgerEntry } from './gateway.ts'
import { LastStages } from './last-stages.ts'
import { PLANTED_FIELDS, SLOW_RELEASE } from './planted-faults.ts'
import { CATALOG_ROUTES } from './routes.ts'
import type { Shop } from './shop.ts'
import { Users } from './users.ts'

export interface StranglingOptions {
  readonly shop: Shop
  readonly extraction: Extraction
  readonly token: string
  readonly names: readonly string[]
  readonly seed: number
  /** How long each share is in force before the next. */
  readonly dwellMs: number
  /** How many answers are compared at least: of the careless release, so that false alarms would show, and of the others, before anybody is moved. */
  readonly comparedMin: { readonly careless: number; readonly mended: number; readonly catalog: number }
  readonly say: (text: string) => void
}

export interface Step {
  /** In milliseconds since 1970. */
  readonly atMs: number
  readonly what: string
}

/** What became of the monolith. */
export interface Strangled {
  readonly steps: readonly Step[]
  readonly bookings: readonly Booking[]
  /** Why the gateway refused to move anybody before the data was there. */
  readonly refusal: string
  readonly careless: Found
  readonly mended: Found
  /** Of the catalog, later. */
  readonly catalog: Found
  readonly regression: { readonly plantedAtMs: number; readonly decidedAtMs: number; readonly why: string }
  readonly ledger: readonly LedgerEntry[]
  readonly verification: Verification
  /** What a write was answered that went to the monolith past the gateway. */
  readonly strayStatus: number
  readonly audit: Audit
}

const DECIDED_WITHIN_MS = 60_000

/** Takes the monolith apart while its users go on. */
export async function strangle(options: StranglingOptions): Promise<Strangled> {
  const { extraction, names, seed, dwellMs, comparedMin, say, shop, token } = options
  const { gateway } = extraction
  const steps: Step[] = []
  const bookings: Booking[] = []
  const step = (what: string) => {
    steps.push({ atMs: systemClock.now(), what })
    say(what)
  }
  const dwell = () => sleep(systemClock, dwellMs)

  const users = new Users({
    url: gateway.url,
    names,
    seed,
    onBooking: (booking) => void bookings.push(booking),
  })
  step('the monolith serves everybody, behind the gateway')
  await extraction.release('careless')
  step('reviews run beside it; their data is copied, and what is written meanwhile follows')
  const refusal = await gateway.command('shift', 'reviews', '1', '--why', 'too early').then(
    () => '',
    (error: unknown) => (error as Error).message,
  )
  const { verification } = await extraction.cutOver.untilReady()
  step(`${verification?.keys ?? 0} reviews are copied and compared`)
  const careless = await compared(gateway, ['reviews'], comparedMin.careless, ({ fields }) =>
    PLANTED_FIELDS.every((field) => fields.includes(field)),
  )
  step('the comparison names what is wrong')
  await extraction.release('mended')
  step('the mended release')
  const { cutOver } = extraction
  const mended = await compared(gateway, ['reviews'], comparedMin.mended)
  await extraction.endComparison()
  for (const percent of [1, 50, 100]) {
    await gateway.shift('reviews', percent, 'the comparison finds nothing')
    step(`${percent} %`)
    await dwell()
  }
  const regression = await regress(extraction, step)
  await dwell()
  await gateway.shift('reviews', 100, 'the slow release was taken back')
  step('100 % again')
  await dwell()
  const verified = await cutOver.verify()
  const strayStatus = await strayWrite(extraction)
  step('a write past the gateway was refused')
  await cutOver.retire()
  step('the table of the monolith is retired')
  await using last = await LastStages.of({ shop, extraction, token })
  await last.standAtFirst()
  step('stage 1: nothing of the move is left')
  await last.followCatalog()
  step('the catalog runs beside the monolith')
  const catalog = await compared(gateway, CATALOG_ROUTES, comparedMin.catalog)
  await last.endComparison()
  for (const percent of [50, 100]) {
    for (const route of CATALOG_ROUTES) await gateway.shift(route, percent, 'the comparison finds nothing')
    step(`${percent} % of the catalog`)
    await dwell()
  }
  await last.retireCatalog()
  step('stage 2: its table is retired, too')
  await last.standAtLast()
  step('stage 3: customers have left, and there is no monolith')
  await dwell()
  await users.stop()
  const ledger = await gateway.ledger()
  return {
    steps,
    bookings,
    refusal,
    careless,
    mended,
    catalog,
    regression,
    ledger,
    verification: verified,
    strayStatus,
    audit: await audit(gateway.url, users),
  }
}

/** A slow release in front of everybody. Nobody does anything about it but the gateway. */
async function regress({ gateway, reviews }: Extraction, step: (what: string) => void): Promise<Strangled['regression']> {
  const decision = gateway.process.nextLine('goes back to', DECIDED_WITHIN_MS)
  const plantedAtMs = systemClock.now()
  reviews?.suffer(SLOW_RELEASE)
  step(`every request to reviews takes ${SLOW_RELEASE.latencyMs} ms more`)
  const { time, why } = JSON.parse(await decision) as { readonly time: string; readonly why: string }
  await eventually(
    'the route is back',
    () => gateway.ledger(),
    (entries) => entries.at(-1)?.kind === 'automatic-rollback',
  )
  step('the gateway took reviews back by itself')
  reviews?.suffer({ latencyMs: 0, errorRatio: 0 })
  return { plantedAtMs, decidedAtMs: Date.parse(time), why }
}

/** Somebody writes to the monolith behind the gateway's back. @returns the status of the answer */
async function strayWrite({ monolithUrl }: Extraction): Promise<number> {
  const { status } = await fetch(new URL('/api/reviews', monolithUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ productId: 'product-1', rating: 1, comment: 'by an old script' }),
  })
  return status
}
