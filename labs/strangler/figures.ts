import type { BigBang } from './big-bang.ts'
import { type Booking, isAboutReviews } from './booking.ts'
import { PLANTED_FIELDS, SLOW_FROM_MS } from './planted-faults.ts'
import type { Strangled } from './strangling.ts'

/** What users met. */
export interface Served {
  readonly requests: number
  readonly failed: number
  readonly stale: number
  readonly wrong: number
  /** Requests about reviews that took as long as the slow release needs. Those that waited for a restart are none of them. */
  readonly slow: number
}

export interface Figures {
  readonly strangled: Served & {
    readonly lostWrites: number
    readonly unaskedWrites: number
    /** From the first slow answer to the gateway's decision, and from there to the first answer that was right and not slow. */
    readonly decidedAfterMs: number
    readonly rolledBackAfterMs: number
    readonly longestWaitMs: number
  }
  readonly bigBang: {
    /** While the careless release was in front of everybody, and while the slow one was. */
    readonly careless: Served
    readonly slow: Served
  }
}

export function figuresOf(strangled: Strangled, bigBang: BigBang): Figures {
  const { bookings, regression, audit } = strangled
  const isSlowTime = ({ atMs }: Booking) => atMs >= bigBang.slowFromMs
  return {
    strangled: {
      ...servedOf(bookings, during(strangled)),
      lostWrites: audit.lost.length,
      unaskedWrites: audit.unasked.length,
      decidedAfterMs: regression.decidedAtMs - regression.plantedAtMs,
      rolledBackAfterMs: firstQuickAfter(bookings, regression.decidedAtMs) - regression.decidedAtMs,
      longestWaitMs: Math.max(0, ...bookings.map(({ tookMs }) => tookMs)),
    },
    bigBang: {
      careless: servedOf(bigBang.bookings.filter((booking) => isAboutReviews(booking) && !isSlowTime(booking))),
      slow: servedOf(bigBang.bookings.filter((booking) => isAboutReviews(booking) && isSlowTime(booking))),
    },
  }
}

export function servedOf(bookings: readonly Booking[], mayBeSlow: (booking: Booking) => boolean = () => true): Served {
  const count = (is: (booking: Booking) => boolean) => bookings.filter(is).length
  return {
    requests: bookings.length,
    failed: count(({ outcome }) => outcome === 'failed'),
    stale: count(({ outcome }) => outcome === 'stale'),
    wrong: count(({ outcome }) => outcome === 'wrong'),
    slow: count((booking) => isAboutReviews(booking) && booking.tookMs >= SLOW_FROM_MS && mayBeSlow(booking)),
  }
}

/** What began between the planting of the slow release and the first quick answer after it was taken back. */
function during({ bookings, regression: { plantedAtMs, decidedAtMs } }: Strangled): (booking: Booking) => boolean {
  const endMs = firstQuickAfter(bookings, decidedAtMs)
  return ({ atMs, tookMs }) => atMs + tookMs >= plantedAtMs && atMs <= endMs
}

/** When the first request about reviews that began after a moment was answered rightly, and not slowly; never, if none was. */
function firstQuickAfter(bookings: readonly Booking[], afterMs: number): number {
  const quick = bookings.filter(
    (booking) => isAboutReviews(booking) && booking.atMs >= afterMs && booking.outcome === 'served' && booking.tookMs < SLOW_FROM_MS,
  )
  return Math.min(Number.POSITIVE_INFINITY, ...quick.map(({ atMs, tookMs }) => atMs + tookMs))
}

/** What is not as the README promises, each in a sentence; nothing, if all is. */
export function brokenPromises(figures: Figures, story: Strangled): readonly string[] {
  const { strangled, bigBang } = figures
  const broken: string[] = []
  const promise = (holds: boolean, otherwise: string) => {
    if (!holds) broken.push(otherwise)
  }
  promise(strangled.requests > 0, 'Nobody asked for anything: nothing was shown.')
  promise(strangled.failed === 0, `${strangled.failed} requests failed.`)
  promise(strangled.stale === 0, `${strangled.stale} times somebody did not find what he had written.`)
  promise(strangled.wrong === 0, `${strangled.wrong} answers were wrong.`)
  promise(strangled.lostWrites === 0, `Lost: ${story.audit.lost.slice(0, 5).join(', ')}.`)
  promise(strangled.unaskedWrites === 0, `Written twice: ${story.audit.unasked.slice(0, 5).join(', ')}.`)
  promise(story.audit.unrated.length === 0, `Not rated as reviewed: ${story.audit.unrated.slice(0, 5).join(', ')}.`)
  const found = story.careless.fields.join(', ')
  promise(found === PLANTED_FIELDS.join(', '), `Planted were ${PLANTED_FIELDS.join(', ')}, and found ${found || 'nothing'}.`)
  promise(story.mended.fields.length === 0, `The mended release was blamed for ${story.mended.fields.join(', ')}.`)
  promise(story.catalog.fields.length === 0, `The catalog was blamed for ${story.catalog.fields.join(', ')}.`)
  promise(story.refusal !== '', 'The gateway moved users to a service without data.')
  const backs = story.ledger.filter(({ kind }) => kind === 'automatic-rollback')
  promise(
    backs.length === 1,
    `${backs.length} times the gateway went back by itself, and once there was a reason: ${backs.map(({ why }) => why).join('; ')}.`,
  )
  promise(Number.isFinite(strangled.rolledBackAfterMs), 'After the rollback nobody was answered quickly.')
  promise(story.verification.kind === 'equal', `The sides differ under ${story.verification.differing.slice(0, 5).join(', ')}.`)
  promise(story.strayStatus >= 400, `A write past the gateway was answered ${story.strayStatus}.`)
  promise(bigBang.careless.wrong > 0, 'The big bang showed nobody a wrong answer: nothing was shown.')
  promise(bigBang.slow.slow > 0, 'The big bang let nobody wait: nothing was shown.')
  return broken
}
