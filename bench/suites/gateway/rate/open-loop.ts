import { seededRandom } from 'seaworthy/core'
import { LoadConnection } from '../load.ts'

export interface OpenLoad {
  readonly port: number
  readonly message: Buffer
  readonly perSecond: number
  /** Before anything is counted, at the same rate: both sides find their connections and their pace. */
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly seed: number
}

/** How long the generator sleeps at most, and an answer may lie unseen. */
const SLEEP_MS = 0.05
/** All open, and each has served a request, before the first that is due. More than that on the way at once wait for one to be free, and their wait counts. */
export const CONNECTIONS = 64
const STALL_MS = 10_000

/** What became of an open loop: of all requests that count, in milliseconds, least first. */
export interface Waits {
  /** From when each was due until its answer was there. */
  readonly waitedMs: Float64Array
  /** The generator's own part: how much later than due it sent each, where a connection was free. */
  readonly lateMs: Float64Array
}

/** A connection, and which request is on it. */
interface Slot {
  readonly connection: LoadConnection
  index: number
}

/**
 * Requests at a rate that does not slow down with the answers, at random moments (a Poisson process): what waits for a slow answer counts for as long as it
 * waits, from the moment it was due.
 * @throws when an answer is not 200, or nothing comes any more
 */
export function openLoop({ port, message, ...load }: OpenLoad): Promise<Waits> {
  const dueMs = arrivals(load)
  const counted = dueMs.findIndex((due) => due >= load.warmUpSeconds * 1_000)
  return new Promise((resolve, reject) => {
    const waitedMs = new Float64Array(dueMs.length)
    const lateMs = new Float64Array(dueMs.length)
    const idle: Slot[] = []
    let [begun, answered, lastMs] = [0, 0, performance.now()]
    let startMs = Infinity
    /** When a request was due last for which no connection was free: what was due before then is not late by the generator. */
    let crowdedMs = -Infinity
    /** All connections are busy: the next answer goes on with it. To look out for one all the time would take the processor from whoever has to give it. */
    let isCrowded = false
    const watch = setInterval(() => {
      if (performance.now() - lastMs > STALL_MS) end(new Error(`port ${port}: no answer for ${STALL_MS} ms`))
    }, 1_000)
    const end = (error?: Error) => {
      clearInterval(watch)
      startMs = -Infinity
      for (const { connection } of all) connection.close()
      const sorted = (each: Float64Array) => each.subarray(counted).toSorted()
      if (error === undefined) resolve({ waitedMs: sorted(waitedMs), lateMs: sorted(lateMs) })
      else reject(error)
    }
    const connect = (): Slot => {
      const slot: Slot = {
        index: -1,
        connection: new LoadConnection(port, {
          onOpen: () => slot.connection.send(message),
          onAnswer: () => {
            lastMs = performance.now()
            if (idle.push(slot) === CONNECTIONS && startMs === Infinity) start()
            if (slot.index === -1) return
            waitedMs[slot.index] = lastMs - startMs - dueMs[slot.index]!
            if (++answered === dueMs.length) end()
            else if (isCrowded) {
              isCrowded = false
              // When all answers that have come are taken.
              setImmediate(turn)
            }
          },
          onFailure: end,
        }),
      }
      return slot
    }
    const start = () => {
      startMs = performance.now() + 10
      turn()
    }
    const begin = (slot: Slot) => {
      const index = begun++
      const due = dueMs[index]!
      slot.index = index
      if (due > crowdedMs) lateMs[index] = performance.now() - startMs - due
      slot.connection.send(message)
    }
    const turn = () => {
      if (startMs === -Infinity) return
      const nowMs = performance.now() - startMs
      // In turn, so that no proxy takes one for unused and closes it.
      while (begun < dueMs.length && dueMs[begun]! <= nowMs && idle.length > 0) begin(idle.shift()!)
      if (begun === dueMs.length) return
      isCrowded = dueMs[begun]! <= nowMs
      if (isCrowded) crowdedMs = nowMs
      else {
        pause(dueMs[begun]! - nowMs)
        setImmediate(turn)
      }
    }
    const all = Array.from({ length: CONNECTIONS }, connect)
  })
}

/** When each request is due, from the start. */
function arrivals({ perSecond, warmUpSeconds, seconds, seed }: Omit<OpenLoad, 'port' | 'message'>): Float64Array {
  const random = seededRandom(seed)
  const dueMs = new Float64Array(Math.round(perSecond * (warmUpSeconds + seconds)))
  let atMs = 0
  for (let index = 0; index < dueMs.length; index++) {
    atMs -= (Math.log(1 - random.float()) * 1_000) / perSecond
    dueMs[index] = atMs
  }
  return dueMs
}

const cell = new Int32Array(new SharedArrayBuffer(4))

/** Sleeps for less than a millisecond, which timers cannot, and leaves the processor to the proxy meanwhile. */
function pause(ms: number): void {
  Atomics.wait(cell, 0, 0, Math.min(ms, SLEEP_MS))
}
