import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { LimitExceededError } from 'seaworthy/core'
import { type PortSetting, PortTakenError } from './errors.ts'

/** Opens the port for a moment. @returns the error that came, or undefined when the port is free */
function tryListen(port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(undefined)))
  })
}

/** @throws PortTakenError naming the port, and the flag to choose another */
export async function assertPortFree(port: number, setting: PortSetting): Promise<void> {
  const error = await tryListen(port)
  if (error !== undefined) throw new PortTakenError(port, setting, error)
}

const FIRST_PORT = 20_000

/**
 * Below the operating system's ephemeral ports: those are given to outgoing connections, one of which could take the port of a
 * service while it restarts; and a client that dials a closed ephemeral port on loopback now and then connects to itself.
 */
function lastPort(): number {
  try {
    const ephemeralFrom = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0])
    if (ephemeralFrom > FIRST_PORT + 1_000) return ephemeralFrom - 1
  } catch {
    // Not Linux. The range that IANA recommends begins at 49,152.
  }
  return 32_767
}

/**
 * Free loopback ports. The search begins at a place that `seed` decides, so that a system finds the same ports every day and two
 * systems that start at the same moment seldom look at the same ones.
 */
export async function freePorts(count: number, seed: string, except: ReadonlySet<number>): Promise<number[]> {
  const range = lastPort() - FIRST_PORT + 1
  const start = createHash('sha256').update(seed).digest().readUInt32BE(0) % range
  const found: number[] = []
  for (let step = 0; step < range && found.length < count; step++) {
    const port = FIRST_PORT + ((start + step) % range)
    if (!except.has(port) && (await tryListen(port)) === undefined) found.push(port)
  }
  if (found.length < count)
    throw new LimitExceededError(`Of ${count} ports, only ${found.length} are free between ${FIRST_PORT} and ${lastPort()}.`)
  return found
}
