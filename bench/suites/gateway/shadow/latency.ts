import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Contender, Effort, Metric } from '../../../harness/suite.ts'
import { askChild, forkTelling } from '../forked.ts'

const module = import.meta.url
const PER_SECOND = 200
const PAGES = 50

const start = (file: string, args: readonly string[]) => forkTelling<{ readonly port: number }>(new URL(file, import.meta.url), args)

/** The 99th percentile of what clients wait, in milliseconds, at a steady rate that does not slow down with the answers. */
async function latency(mode: 'shadowed' | 'plain', { quick }: Effort): Promise<() => Promise<number>> {
  const [monolith, service] = await Promise.all([start('json-side-process.ts', []), start('json-side-process.ts', [])])
  const { child, told } = await start('proxy-process.ts', [mode, String(monolith.told.port), String(service.told.port)])
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const measure = async (seconds: number) => {
    const waited: number[] = []
    const startedMs = performance.now()
    const requests = Array.from({ length: seconds * PER_SECOND }, async (_, index) => {
      const dueMs = startedMs + (index * 1_000) / PER_SECOND
      await delay(Math.max(0, dueMs - performance.now()))
      await ask(agent, told.port, `/products/${index % PAGES}`)
      // From when it was due: a client that is held up counts for what it would have waited.
      waited.push(performance.now() - dueMs)
    })
    await Promise.all(requests)
    return waited.toSorted((a, b) => a - b)[Math.floor(waited.length * 0.99)]!
  }
  const compared = async () => (await askChild<{ readonly compared: number }>(child, 'compared')).compared
  await measure(quick ? 2 : 10)
  // Answers are compared once enough is learned.
  if (mode === 'shadowed') {
    for (let left = 30; (await compared()) === 0; left--) {
      if (left === 0) throw new Error('Within a minute nothing was compared.')
      await measure(2)
    }
  }
  return () => measure(quick ? 2 : 10)
}

function ask(agent: Agent, port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ agent, port, host: '127.0.0.1', path }, (response) => {
      response.resume().on('end', resolve).on('error', reject)
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`))
    }).on('error', reject)
  })
}

export const shadowed: Contender = (effort) => latency('shadowed', effort)
export const plain: Contender = (effort) => latency('plain', effort)

export const shadowMetric: Metric = {
  name: 'shadow-p99',
  unit: 'ms until a client has its answer, 99th percentile',
  better: 'lower',
  peer: 'the same proxy, nothing shadowed',
  target: { ratioMax: 1.05 },
  rounds: 5,
  note: `All reads shadowed; ${PER_SECOND} requests a second, whatever comes back; answers of 2 KB. Monolith, service, proxy and clients share the machine: with fewer cores than four, what the service and the comparison take of the processors counts too.`,
  contenders: { ours: { module, name: 'shadowed' }, peer: { module, name: 'plain' } },
}
