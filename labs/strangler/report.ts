import type { BigBang } from './big-bang.ts'
import { type Figures, servedOf } from './figures.ts'
import { isAboutReviews } from './booking.ts'
import type { Strangled } from './strangling.ts'

/** What the big bang did to its users. */
export function bigBangWords({ bookings, slowFromMs, eachMs }: BigBang): string {
  const about = bookings.filter(isAboutReviews)
  const careless = servedOf(about.filter(({ atMs }) => atMs < slowFromMs))
  const slow = servedOf(about.filter(({ atMs }) => atMs >= slowFromMs))
  const lasted = `${eachMs / 1_000} s`
  return `
   ${careless.wrong} of ${careless.requests} answers in ${lasted} were seen to be wrong, by whoever knew better. The slow release let ${slow.slow} of ${slow.requests} wait in
   ${lasted}. Nothing would have ended either: somebody has to notice, find out, and move back, and what was written meanwhile is in the new service alone.`
}

/** What the steps found. */
export function stranglingWords({ refusal, careless, mended, catalog, regression, strayStatus, audit }: Strangled): string {
  return `
   Moved too early     refused: ${refusal}
   The comparison      of ${careless.compared} answers names ${careless.fields.join(' and ')} after ${seconds(careless.tookMs)}, while no user saw either;
                       of the mended release, ${mended.fields.length === 0 ? 'nothing' : mended.fields.join(', ')} in ${mended.compared} answers; of the catalog, later, ${catalog.fields.length === 0 ? 'nothing' : catalog.fields.join(', ')} in ${catalog.compared}
   The slow release    ${regression.why}
   Past the gateway    a write to the monolith, which does not own the data any more: refused with ${strayStatus}
   Read back           ${audit.reviews} reviews and ${audit.accounts} accounts, ${audit.lost.length} of them lost; the catalog rates ${audit.unrated.length === 0 ? 'all products as their reviews do' : `${audit.unrated.length} PRODUCTS OTHERWISE`}`
}

export function table({ strangled, bigBang }: Figures): string {
  const rows: readonly (readonly [string, string | number])[] = [
    ['requests served', strangled.requests - strangled.failed],
    ['failed', strangled.failed],
    ['lost writes', strangled.lostWrites],
    ['written twice', strangled.unaskedWrites],
    ['stale reads of one’s own writes', strangled.stale],
    ['wrong answers', strangled.wrong],
    ['  in the big bang', ofAll(bigBang.careless.wrong, bigBang.careless.requests)],
    ['slow answers about reviews', strangled.slow],
    ['  in the big bang', ofAll(bigBang.slow.slow, bigBang.slow.requests)],
    ['slow release to decision to go back', seconds(strangled.decidedAfterMs)],
    ['decision to first quick answer', seconds(strangled.rolledBackAfterMs)],
    ['longest wait, for a restart', seconds(strangled.longestWaitMs)],
  ]
  return rows.map(([title, value]) => `   ${title.padEnd(38)} ${value}`).join('\n')
}

const ofAll = (part: number, all: number): string => `${part} of ${all}`

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
