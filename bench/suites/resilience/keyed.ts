import CircuitBreaker from 'opossum'
import { circuitBreaker, countWindow, keyed } from 'seaworthy/resilience'
import { idleCpuPercent, retainedBytesEach } from '../../harness/meters.ts'
import type { Contender, Metric } from '../../harness/suite.ts'
import { call } from './call.ts'

const BREAKERS = 10_000
const declaration = { failureRate: 0.5, window: countWindow(50), openMs: 5_000, probesMax: 3 }

/** As many breakers as hosts, each used once. */
async function ourBreakers(breakers: number) {
  const hosts = keyed((name) => circuitBreaker(declaration, { name }), { keysMax: breakers })
  for (let index = 0; index < breakers; index++) await hosts.run(`host-${index}`, call)
  return hosts
}

async function opossumBreakers(breakers: number) {
  const hosts = new Map<string, CircuitBreaker<[], number>>()
  for (let index = 0; index < breakers; index++) {
    const breaker = new CircuitBreaker(call, { name: `host-${index}`, timeout: false })
    hosts.set(`host-${index}`, breaker)
    await breaker.fire()
  }
  return hosts
}

export const ourBytes: Contender = async () => {
  await ourBreakers(100)
  return () => retainedBytesEach(() => ourBreakers(BREAKERS), BREAKERS)
}

export const opossumBytes: Contender = async ({ quick }) => {
  const breakers = quick ? 1_000 : BREAKERS
  return () =>
    retainedBytesEach(async () => {
      const hosts = await opossumBreakers(breakers)
      // Else its timers keep all of them alive into the next round.
      for (const breaker of hosts.values()) breaker.shutdown()
      return hosts
    }, breakers)
}

export const ourIdleCpu: Contender = async ({ quick }) => {
  const hosts = await ourBreakers(BREAKERS)
  return async () => {
    const percent = await idleCpuPercent(quick ? 300 : 1_000)
    if (hosts.size !== BREAKERS) throw new Error('The breakers are gone.')
    return percent
  }
}

/** The same process without breakers: what a process costs that does nothing. */
export const idleProcess: Contender =
  async ({ quick }) =>
  () =>
    idleCpuPercent(quick ? 300 : 1_000)

export const opossumIdleCpu: Contender = async ({ quick }) => {
  const hosts = await opossumBreakers(quick ? 1_000 : BREAKERS)
  return async () => {
    const percent = await idleCpuPercent(quick ? 300 : 1_000)
    if (hosts.size === 0) throw new Error('The breakers are gone.')
    return percent
  }
}

const module = import.meta.url

export const keyedMetrics: readonly Metric[] = [
  {
    name: 'keyed-bytes',
    unit: 'bytes that stay for each of 10,000 breakers',
    better: 'lower',
    peer: 'opossum',
    target: { oursMax: 1_024 },
    note: 'The key and the map that finds the breaker are included.',
    contenders: { ours: { module, name: 'ourBytes' }, peer: { module, name: 'opossumBytes' } },
  },
  {
    name: 'keyed-idle-cpu',
    unit: 'percent of a core for 10,000 idle breakers',
    better: 'lower',
    peer: 'a process without breakers',
    target: { oursMax: 0.2 },
    note: 'No timer runs. What is measured is the process itself: compare the peer.',
    contenders: { ours: { module, name: 'ourIdleCpu' }, peer: { module, name: 'idleProcess' } },
  },
  {
    name: 'keyed-idle-cpu-opossum',
    unit: 'percent of a core for 10,000 idle breakers',
    better: 'lower',
    peer: 'opossum',
    target: { oursMax: 0.2 },
    contenders: { ours: { module, name: 'ourIdleCpu' }, peer: { module, name: 'opossumIdleCpu' } },
  },
]
