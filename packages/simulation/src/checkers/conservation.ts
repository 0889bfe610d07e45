import { violated } from '../errors.ts'

/**
 * What cannot come from nowhere or vanish is still all there: money over accounts, stock over shelves, reservations and parcels.
 * @param what is counted, with its unit, as in `money in cents`
 * @param options `total`: how much there must be; `places`: how much there is, by place. Whole numbers: a sum of floating-point amounts is never exact
 * @throws Violation with every place, when the sum is another or a place that may not be in debt is; TypeError for an amount that is no whole number
 */
export function conserved(
  what: string,
  options: {
    readonly total: number | bigint
    readonly places: Readonly<Record<string, number | bigint>>
    /** Places that may hold less than nothing, as an account of the bank's own does. Default: none. */
    readonly mayOwe?: readonly string[]
  },
): void {
  const { places, mayOwe = [] } = options
  const amounts = Object.entries(places).map(([place, amount]) => [place, whole(amount, place)] as const)
  const total = whole(options.total, 'the total')
  const sum = amounts.reduce((so, [, amount]) => so + amount, 0n)
  const listed = amounts.map(([place, amount]) => `${place} ${amount}`).join(', ')
  if (sum !== total) {
    const off = sum - total
    violated(`${capital(what)}: ${off > 0n ? `${off} came from nowhere` : `${-off} are gone`}. ${total} must be there: ${listed}.`)
  }
  const [debtor] = amounts.find(([place, amount]) => amount < 0n && !mayOwe.includes(place)) ?? []
  if (debtor !== undefined) violated(`${capital(what)}: ${debtor} holds less than nothing: ${listed}.`)
}

function whole(amount: number | bigint, place: string): bigint {
  if (typeof amount === 'number' && !Number.isSafeInteger(amount)) {
    throw new TypeError(`${place} holds ${amount}, which is no whole number. Count in the smallest unit, such as cents.`)
  }
  return BigInt(amount)
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
