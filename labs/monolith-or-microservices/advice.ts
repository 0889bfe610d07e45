import { type Kind, READS } from './arrivals.ts'
import { type Figures, type Memory, sumOf } from './figures.ts'
import { seconds } from './report.ts'
import type { BothSides } from './verdict.ts'

/** What the figures of a run say about leaving the monolith, and what they do not: each a sentence or two that turn with the figures. */
export function advice(both: BothSides): readonly string[] {
  return [price(both), capacity(both), scaling(both), deploys(both), crashes(both)]
}

const DEPLOYS_A_DAY = 10
const WEEK_S = 7 * 24 * 3_600

function price({ monolith, microservices }: BothSides): string {
  const cpu = ratio(microservices.cpuMs.checkout, monolith.cpuMs.checkout)
  const read = ratio(microservices.cpuMs.read, monolith.cpuMs.read)
  const memory = ratio(mbOf(microservices.memory), mbOf(monolith.memory))
  const slowerMs = (kind: Kind) => microservices.latencyMs[kind].p50 - monolith.latencyMs[kind].p50
  const waits = (kind: Kind) => `${Math.abs(slowerMs(kind)).toFixed(1)} ms ${slowerMs(kind) >= 0 ? 'longer' : 'less'}`
  const facts = `In services a checkout takes ${cpu} the CPU that it takes in the monolith, a read ${read}, and the shop ${memory} the memory; who pays waits ${waits('checkout')}, who browses ${waits('browse')}.`
  const isDearer = microservices.cpuMs.checkout >= monolith.cpuMs.checkout || mbOf(microservices.memory) >= mbOf(monolith.memory)
  if (!isDearer) return `${facts} Here they cost less: look again, for that is not to be expected.`
  if (slowerMs('checkout') >= 0 && slowerMs('browse') >= 0)
    return `${facts} Whoever leaves for speed or for cost gets neither: that is what the rest must be worth.`
  return `${facts} Whoever leaves for cost does not get it; for speed, some do, and others pay for it.`
}

function capacity({ monolith, microservices }: BothSides): string {
  const [one, other] = [monolith.held, microservices.held]
  const rate = ({ perSecond, missed }: Figures['held']) => (perSecond === 0 ? `less than ${missed}` : String(perSecond))
  const held = `Arrivals a second that were held here: ${rate(one)} by one monolith, ${rate(other)} by the services.`
  if (one.perSecond >= other.perSecond)
    return `${held} With fewer customers than that, load is no reason to leave; with more, the services of one machine are none either.`
  return `${held} Between the two, load is a reason to leave${one.missed === undefined ? ', though it was not tried whether the monolith holds more' : ''}; below, it is none.`
}

function scaling({ monolith, microservices }: BothSides): string {
  const [all, alone] = [mbOf(monolith.more), mbOf(microservices.more)]
  const costs = `Two more monoliths take ${all.toFixed(0)} MB, two more payments ${alone.toFixed(0)} MB.`
  const leaving = mbOf(microservices.memory) - mbOf(monolith.memory)
  const savedEach = (all - alone) / monolith.more.processes
  if (savedEach <= 0) return `${costs} To scale payments alone saves no memory: it is no reason to leave.`
  if (leaving <= 0) return `${costs} To scale payments alone saves memory from the first instance on.`
  return `${costs} To scale payments alone saves ${savedEach.toFixed(0)} MB an instance, and to have left costs ${leaving.toFixed(0)} MB: it pays from the ${Math.ceil(leaving / savedEach)}th further instance on. Before that, run more monoliths.`
}

function deploys({ monolith, microservices }: BothSides): string {
  const [whole, part] = [monolith, microservices].map(({ deploy }) => sumOf(deploy.met).longestMs) as [number, number]
  const [everybody, reads] = [readsLate(monolith), readsLate(microservices)]
  const wait = `A deploy of payments keeps ${everybody > 0 ? 'everybody' : 'nobody'} waiting in the monolith, ${seconds(whole)} at most, and ${reads > 0 ? 'readers too' : 'only who pays'} in services, ${seconds(part)} at most; ${sumOf(monolith.deploy.met).failed} and ${sumOf(microservices.deploy.met).failed} requests failed.`
  if (everybody <= reads)
    return `${wait} To deploy a part alone is no reason to leave by these figures; that teams wait for each other's releases is one that no run shows.`
  const share = ((DEPLOYS_A_DAY * whole) / 1_000 / (24 * 3_600)) * 100
  return `${wait} ${DEPLOYS_A_DAY} deploys in the monolith are ${share.toFixed(2)} % of a day: if that much waiting a day is bearable, and nobody waits for another team's release, deploys are no reason to leave.`
}

function crashes({ monolith, microservices }: BothSides): string {
  const [one, other] = [monolith, microservices].map(({ crash }) => sumOf(crash.met)) as [
    ReturnType<typeof sumOf>,
    ReturnType<typeof sumOf>,
  ]
  const facts = `The defect in payments stopped everything for ${seconds(monolith.crash.awayMs)} in the monolith (${one.failed} failed, ${one.late} waited), and payments for ${seconds(microservices.crash.awayMs)} in services (${other.failed} failed, ${other.late} waited).`
  if (one.failed + one.late <= other.failed + other.late)
    return `${facts} The services suffered no less: for this defect they are no bulkhead, and it is no reason to leave.`
  const available = (1 - monolith.crash.awayMs / 1_000 / WEEK_S) * 100
  return `${facts} One such crash a week leaves the monolith ${available.toFixed(4)} % available: if that is enough, and such a defect is mended within a day, blast radius is no reason to leave.`
}

/** Readers who had to wait for a release of payments. */
function readsLate({ deploy: { met } }: Figures): number {
  return sumOf(met, READS).late
}

/** With what processes share counted once, where the system tells it: anything else flatters the one process. */
function mbOf({ rssMb, netMb }: Memory): number {
  return netMb ?? rssMb
}

const ratio = (one: number, other: number): string => (other > 0 ? `${(one / other).toFixed(1)} ×` : 'more than nothing of')
