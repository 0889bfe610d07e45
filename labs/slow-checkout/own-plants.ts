import { sleep, systemClock } from 'seaworthy/core'
import type { Report } from './messages.ts'
import type { Plant, PlantKind } from './plants.ts'

type Occupy = (until: Promise<void>, onHeld: () => void) => Promise<void>

/** What is to go wrong with the next request of this process, and only with that one. */
export interface OwnPlants {
  plant(plant: Plant): Promise<void>
  /** What any service may suffer at its work. */
  atWork(): Promise<void>
  fire(kind: PlantKind, body: () => Promise<void>): Promise<void>
  /** How much of it is planted; 0 for nothing. It is gone then. */
  take(kind: PlantKind): number
  occupiesPool(occupy: Occupy): void
  /** Tells the lab that a request is about to wait for what it holds, and lets the pool go after its time. */
  tellWaiting(): void
  /** The long message: until the lab releases it. */
  newsletter(): Promise<void>
  release(): void
}

export function plantsOf(report: (message: Report) => void): OwnPlants {
  const planted = new Map<PlantKind, number>()
  let occupy: Occupy | undefined
  let freePool: (() => void) | undefined
  let release: (() => void) | undefined
  const take = (kind: PlantKind): number => {
    const ms = planted.get(kind) ?? 0
    planted.delete(kind)
    return ms
  }
  const fire = async (kind: PlantKind, body: (ms: number) => Promise<void> | void): Promise<void> => {
    if (!planted.has(kind)) return
    const ms = take(kind)
    const beganMs = performance.now()
    await body(ms)
    report({ kind: 'planted', plant: kind, ms: performance.now() - beganMs })
  }
  return {
    take,
    fire,
    async plant({ kind, ms }) {
      planted.set(kind, ms)
      if (kind !== 'starved-pool' || occupy === undefined) return report({ kind: 'ready' })
      const { promise: until, resolve } = Promise.withResolvers<void>()
      freePool = resolve
      return occupy(until, () => report({ kind: 'ready' }))
    },
    async atWork() {
      await fire('slow-code', (ms) => sleep(systemClock, ms))
      await fire('cpu-burn', burn)
      await fire('blocked-loop', block)
    },
    occupiesPool(given) {
      occupy = given
    },
    tellWaiting() {
      report({ kind: 'waiting', atMs: systemClock.now() })
      void fire('starved-pool', async (ms) => {
        await sleep(systemClock, ms)
        freePool?.()
      })
    },
    newsletter() {
      const { promise, resolve } = Promise.withResolvers<void>()
      release = () => {
        report({ kind: 'released', atMs: systemClock.now() })
        resolve()
      }
      report({ kind: 'counting', index: 0 })
      return promise
    },
    release: () => release?.(),
  }
}

/** Computes until the processor has worked for so long on this process. */
function burn(ms: number): void {
  const before = process.cpuUsage()
  for (let sum = 0; ; sum++) {
    if (sum % 10_000 !== 0) continue
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1_000 >= ms) return
  }
}

/** What a synchronous call does that waits: the thread sleeps, and nobody else gets a turn. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
