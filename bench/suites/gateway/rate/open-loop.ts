import { seededRandom } from 'seaworthy/core'
import { LoadConnection } from '../load.ts'

export interface OpenLoad {
  readonly port: number
  readonly message: Buffer
  readonly perSecond: number
  readonly seconds: number
  readonly seed: number
}

/** How long the generator sleeps at most, and an answer may lie unseen. */
const SLEEP_MS = 0.05
const CONNECTIONS_AT_START = 32
/** Requests on the way at once; more wait, and their wait counts. */
const CONNECTIONS_MAX = 256
const STALL_MS = 10_000

/**
 * Requests at a rate that does not slow down with the answers, at random moments (a Poisson process): what waits for a slow answer counts for as long as it
 * waits, from the moment it was due.
 * @returns what each waited, in milliseconds, shortest first
 * @throws when an answer is not 200, or nothing comes any more
 */
export function openLoop({ port, message, perSecond, seconds, seed }: OpenLoad): Promise<Float64Array> {
  const dueMs = arrivals({ perSecond, seconds, seed })
  return new Promise((resolve, reject) => {
    const waited = new Float64Array(dueMs.length)
    const idle: LoadConnection[] = []
    const all: LoadConnection[] = []
    let [opened, begun, answered, lastMs] = [0, 0, 0, performance.now()]
    let startMs = Infinity
    const end = (error?: Error) => {
      startMs = -Infinity
      for (const connection of all) connection.close()
      if (error === undefined) resolve(waited.toSorted())
      else reject(error)
    }
    const connect = () => {
      let index = -1
      const connection: LoadConnection = new LoadConnection(port, {
        onOpen: () => {
          idle.push(connection)
          if (++opened === CONNECTIONS_AT_START) {
            startMs = performance.now() + 10
            turn()
          }
        },
        onAnswer: () => {
          lastMs = performance.now()
          waited[index] = lastMs - startMs - dueMs[index]!
          idle.push(connection)
          if (++answered === dueMs.length) end()
        },
        onFailure: (error) => end(error),
      })
      all.push(connection)
      begin.set(connection, () => {
        index = begun++
        connection.send(message)
      })
    }
    const begin = new Map<LoadConnection, () => void>()
    const turn = () => {
      if (startMs === -Infinity) return
      const nowMs = performance.now() - startMs
      while (begun < dueMs.length && dueMs[begun]! <= nowMs && idle.length > 0) begin.get(idle.pop()!)!()
      if (begun < dueMs.length && dueMs[begun]! <= nowMs && all.length < CONNECTIONS_MAX) connect()
      if (performance.now() - lastMs > STALL_MS) return end(new Error(`port ${port}: no answer for ${STALL_MS} ms`))
      pause(begun < dueMs.length ? dueMs[begun]! - nowMs : SLEEP_MS)
      setImmediate(turn)
    }
    for (let index = 0; index < CONNECTIONS_AT_START; index++) connect()
  })
}

/** When each request is due, from the start. */
function arrivals({ perSecond, seconds, seed }: Omit<OpenLoad, 'port' | 'message'>): Float64Array {
  const random = seededRandom(seed)
  const dueMs = new Float64Array(Math.round(perSecond * seconds))
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
  if (ms > 0) Atomics.wait(cell, 0, 0, Math.min(ms, SLEEP_MS))
}
