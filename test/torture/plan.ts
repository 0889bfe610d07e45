import { type Random, seededRandom } from 'seaworthy/core'
import type { Afflictions, Toxics } from '@seaworthy/testing/fault-proxy'

/** A connection that one service makes to another. */
export interface Link {
  readonly caller: string
  readonly callee: string
  readonly wire: 'http' | 'grpc'
}

export const linkName = ({ caller, callee, wire }: Link): string => `${caller} → ${callee} (${wire})`

/** A disk of its own: the data of a service, by its name, or the event log that all share. */
export type Disk = string
export const EVENT_LOG: Disk = 'event-log'

/** What goes wrong, and for how long. */
export type Fault =
  | { readonly kind: 'kill'; readonly service: string }
  | { readonly kind: 'pause'; readonly service: string; readonly forMs: number }
  | { readonly kind: ToxicKind; readonly link: Link; readonly afflictions: Afflictions; readonly forMs: number }
  | { readonly kind: 'disconnect'; readonly link: Link; readonly how: 'close' | 'reset' }
  | { readonly kind: 'disk-full'; readonly disk: Disk; readonly forMs: number }

type ToxicKind = 'latency' | 'bandwidth' | 'slice' | 'half-open' | 'close' | 'reset' | 'refuse'
export type FaultKind = Fault['kind']

export type PlannedFault = Fault & { readonly atMs: number }

const diskName = (disk: Disk): string => `disk of ${disk}`

/** What a fault lasts on; undefined when it is over at once. No two last on one thing at a time: they would end each other. */
export function lastsOn(fault: Fault): string | undefined {
  if (!('forMs' in fault)) return undefined
  if ('link' in fault) return linkName(fault.link)
  return 'disk' in fault ? diskName(fault.disk) : fault.service
}

export interface Plan {
  readonly seed: number
  /** Nothing goes wrong later than this. */
  readonly durationMs: number
  /** In order of time. */
  readonly faults: readonly PlannedFault[]
  /** What stands on a small disk of its own; undefined: nothing, because none can be made here. */
  readonly smallDisk: Disk | undefined
}

export interface PlanOptions {
  readonly seed: number
  readonly durationMs: number
  /** Who is killed and paused. */
  readonly services: readonly string[]
  /** Links that carry traffic all the time: a toxic on a quiet one would do nothing. */
  readonly links: readonly Link[]
  /** Of these disks one is filled. Empty: none. */
  readonly disks: readonly Disk[]
}

/** One of each in every round, kills and pauses more often, so that a short run has met them all. */
const ROUND = [
  'kill',
  'kill',
  'pause',
  'latency',
  'bandwidth',
  'slice',
  'half-open',
  'close',
  'reset',
  'refuse',
  'disconnect',
  'disk-full',
] as const satisfies readonly FaultKind[]

/** From one fault to the next, in ms, drawn evenly: several are in force at any time. */
const NEXT_AFTER_MS = [400, 1_600] as const
const LASTS_MS = [500, 4_000] as const

/** Draws what goes wrong when. The same options give the same plan: the seed repeats a run's faults, though not the moments of its processes. */
export function planFaults({ seed, durationMs, services, links, disks }: PlanOptions): Plan {
  const random = seededRandom(seed)
  const smallDisk = disks.length === 0 ? undefined : pick(disks, random)
  const kinds = ROUND.filter((kind) => kind !== 'disk-full' || smallDisk !== undefined)
  const faults: PlannedFault[] = []
  /** When what is paused, afflicted or full is itself again. */
  const busyUntilMs = new Map<string, number>()
  let round: FaultKind[] = []
  for (let atMs = between(NEXT_AFTER_MS, random); atMs < durationMs; atMs += between(NEXT_AFTER_MS, random)) {
    if (round.length === 0) round = shuffled(kinds, random)
    const isFree = (name: string) => (busyUntilMs.get(name) ?? 0) <= atMs
    const choice: Choice = {
      services: services.filter(isFree),
      links: links.filter((link) => isFree(linkName(link))),
      smallDisk: smallDisk !== undefined && isFree(diskName(smallDisk)) ? smallDisk : undefined,
      forMs: Math.min(between(LASTS_MS, random), durationMs - atMs),
      random,
    }
    // A kind that has nothing free to strike keeps its place in the round.
    let fault: Fault | undefined
    for (let turn = round.length - 1; turn >= 0 && fault === undefined; turn--) {
      fault = draw(round[turn]!, choice)
      if (fault !== undefined) round.splice(turn, 1)
    }
    if (fault === undefined) continue
    faults.push({ ...fault, atMs })
    const on = lastsOn(fault)
    if (on !== undefined && 'forMs' in fault) busyUntilMs.set(on, atMs + fault.forMs)
  }
  return { seed, durationMs, faults, smallDisk }
}

interface Choice {
  readonly services: readonly string[]
  readonly links: readonly Link[]
  readonly smallDisk: Disk | undefined
  readonly forMs: number
  readonly random: Random
}

function draw(kind: FaultKind, { services, links, smallDisk, forMs, random }: Choice): Fault | undefined {
  switch (kind) {
    case 'kill':
      return services.length === 0 ? undefined : { kind, service: pick(services, random) }
    case 'pause':
      return services.length === 0 ? undefined : { kind, service: pick(services, random), forMs }
    case 'disk-full':
      return smallDisk === undefined ? undefined : { kind, disk: smallDisk, forMs }
    case 'disconnect':
      return links.length === 0 ? undefined : { kind, link: pick(links, random), how: pick(['close', 'reset'], random) }
    case 'latency':
    case 'bandwidth':
    case 'slice':
    case 'half-open':
    case 'close':
    case 'reset':
    case 'refuse':
      return links.length === 0 ? undefined : { kind, link: pick(links, random), afflictions: afflictionsOf(kind, random), forMs }
  }
}

function afflictionsOf(kind: ToxicKind, random: Random): Afflictions {
  if (kind === 'refuse') return { refuse: true }
  const toxics = toxicOf(kind, random)
  const directions = pick(['upstream', 'downstream', 'both'] as const, random)
  return {
    ...(directions !== 'downstream' && { upstream: toxics }),
    ...(directions !== 'upstream' && { downstream: toxics }),
  }
}

function toxicOf(kind: Exclude<ToxicKind, 'refuse'>, random: Random): Toxics {
  switch (kind) {
    case 'latency':
      return { latency: { delayMs: between([20, 600], random), jitterMs: between([0, 600], random) } }
    case 'bandwidth':
      return { bandwidth: { bytesPerSecond: between([1_000, 20_000], random) } }
    case 'slice':
      return { slice: { bytesMax: between([1, 40], random), gapMs: between([0, 5], random) } }
    case 'half-open':
      return { halfOpen: true }
    case 'close':
    case 'reset':
      return { cut: { afterBytes: between([0, 400], random), how: kind } }
  }
}

const between = ([least, most]: readonly [number, number], random: Random): number => Math.round(least + random.float() * (most - least))

const pick = <T>(choices: readonly T[], random: Random): T => choices[Math.floor(random.float() * choices.length)]!

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.float() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
