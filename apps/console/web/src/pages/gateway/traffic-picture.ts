import type { GatewayOverview, LedgerEntry, RouteOverview } from '@seaworthy/supervisor/gateway-admin'
import { formatDate, formatShare, formatTime } from '../../view-model/format.ts'

/** Pixels of the picture's own measure: it is stretched to whatever room there is. */
export const PICTURE = { width: 1_000, height: 100 } as const

/** How the requests of a gateway went over from the monolith to services. */
export interface TrafficPicture {
  /** From below: what is being taken apart, then the others, the busiest first. */
  readonly bands: readonly Band[]
  readonly marks: readonly Mark[]
  /** Of the left edge, the middle and the right edge. */
  readonly labels: readonly string[]
  /** Of the monolith, in the first and in the last slot with requests. */
  readonly monolith: { readonly first: string; readonly last: string } | undefined
}

interface Band {
  readonly name: string
  readonly isOld: boolean
  readonly path: string
  /** In the last slot with requests. */
  readonly share: string
}

/** A decision that moved a share, on the axis of time. */
interface Mark {
  readonly x: number
  readonly kind: LedgerEntry['kind']
  readonly title: string
}

const BANDS_MAX = 9
const OTHERS = 'others'
const DAY_MS = 86_400_000

/** What routes move away from and nothing moves to. */
export function oldUpstreams({ routes, entries }: Pick<GatewayOverview, 'routes' | 'entries'>): ReadonlySet<string> {
  const moving = routes.filter((route): route is RouteOverview & { readonly to: string } => route.to !== undefined)
  const old = new Set([...moving.map(({ from }) => from), ...entries.flatMap(({ from }) => from ?? [])])
  for (const { to } of [...moving, ...entries]) old.delete(to)
  return old
}

/** Undefined before the first request. */
export function trafficPicture(overview: Pick<GatewayOverview, 'atMs' | 'routes' | 'traffic' | 'entries'>): TrafficPicture | undefined {
  const { slotMs, slots } = overview.traffic
  const [first, last] = [slots[0], slots.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const old = oldUpstreams(overview)
  const { names, of } = namedBands(slots, old)
  const fromMs = first.fromMs
  const toMs = Math.max(last.fromMs + slotMs, overview.atMs)
  const x = (ms: number) => ((ms - fromMs) / (toMs - fromMs)) * PICTURE.width
  const paths = new Map(names.map((name) => [name, '']))
  for (const { fromMs: slotFromMs, requests } of slots) {
    const counts = of(requests)
    const all = sum([...counts.values()])
    const [left, right] = [x(slotFromMs), x(Math.min(toMs, slotFromMs + slotMs))]
    let bottom: number = PICTURE.height
    for (const name of names) {
      const height = ((counts.get(name) ?? 0) / all) * PICTURE.height
      if (height === 0) continue
      paths.set(name, `${paths.get(name)}M${round(left)} ${round(bottom)}V${round(bottom - height)}H${round(right)}V${round(bottom)}z`)
      bottom -= height
    }
  }
  const lastCounts = of(last.requests)
  const share = (counts: ReadonlyMap<string, number>, parts: readonly string[]) =>
    formatShare(sum(parts.map((name) => counts.get(name) ?? 0)), sum([...counts.values()]))
  const oldNames = names.filter((name) => old.has(name))
  return {
    bands: names.map((name) => ({ name, isOld: old.has(name), path: paths.get(name)!, share: share(lastCounts, [name]) })),
    marks: overview.entries
      .filter(({ kind, atMs, fromPercent, toPercent }) => kind !== 'refused' && atMs >= fromMs && fromPercent !== toPercent)
      .map((entry) => ({ x: round(x(entry.atMs)), kind: entry.kind, title: markTitle(entry) })),
    labels: [fromMs, (fromMs + toMs) / 2, toMs].map((ms) => timeLabel(ms, toMs - fromMs)),
    monolith: oldNames.length === 0 ? undefined : { first: share(of(first.requests), oldNames), last: share(lastCounts, oldNames) },
  }
}

/** Who has a band of its own, in their order, and the requests of a slot by band. */
function namedBands(
  slots: GatewayOverview['traffic']['slots'],
  old: ReadonlySet<string>,
): { readonly names: readonly string[]; readonly of: (requests: Readonly<Record<string, number>>) => ReadonlyMap<string, number> } {
  const totals = new Map<string, number>()
  for (const { requests } of slots) for (const [name, count] of Object.entries(requests)) totals.set(name, (totals.get(name) ?? 0) + count)
  const order = [...totals].toSorted(([one, few], [other, many]) => Number(old.has(other)) - Number(old.has(one)) || many - few)
  const named = new Set(order.slice(0, order.length > BANDS_MAX ? BANDS_MAX - 1 : BANDS_MAX).map(([name]) => name))
  return {
    names: [...named, ...(named.size < order.length ? [OTHERS] : [])],
    of(requests) {
      const counts = new Map<string, number>()
      for (const [name, count] of Object.entries(requests)) {
        const band = named.has(name) ? name : OTHERS
        counts.set(band, (counts.get(band) ?? 0) + count)
      }
      return counts
    },
  }
}

function markTitle({ route, tenant, fromPercent, toPercent, who, why, atMs }: LedgerEntry): string {
  const what = tenant === undefined ? route : `${route} of ${tenant}`
  return `${what}: ${fromPercent} % → ${toPercent} %, ${who}, ${formatDate(atMs)} ${formatTime(atMs).slice(0, 5)}: ${why}`
}

function timeLabel(ms: number, spanMs: number): string {
  const time = formatTime(ms)
  return spanMs > 2 * DAY_MS ? formatDate(ms) : spanMs > DAY_MS / 2 ? `${formatDate(ms).slice(5)} ${time.slice(0, 5)}` : time.slice(0, 8)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
const round = (value: number): number => Math.round(value * 10) / 10
