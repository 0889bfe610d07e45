import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { sleep, systemClock } from 'seaworthy/core'
import type { Shop } from '../end-to-end/shop.ts'
import type { Fault } from './plan.ts'
import type { SmallDisk } from './small-disk.ts'
import type { Switchboard } from './switchboard.ts'

/** What faults are inflicted on. */
export interface Victim {
  readonly shop: Shop
  readonly switchboard: Switchboard
  readonly disk: SmallDisk | undefined
}

/**
 * So long is waited for something to strike, and for somebody to meet a fault whose time is over: on a slow machine a process may be down, and a link
 * without a call, for a while.
 */
const MET_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 200

/** Inflicts a fault and takes it away when its time is over, or the signal says so. @returns whether it was seen to happen */
export async function inflict(fault: Fault, { shop, switchboard, disk }: Victim, signal: AbortSignal): Promise<boolean> {
  switch (fault.kind) {
    case 'kill':
      await met(() => shop.process(fault.service).pid !== null, signal)
      return signalled(shop.process(fault.service).pid, 'SIGKILL')
    case 'pause': {
      await met(() => shop.process(fault.service).pid !== null, signal)
      const { pid } = shop.process(fault.service)
      if (!signalled(pid, 'SIGSTOP')) return false
      await lasting(fault.forMs, signal)
      const stoodStill = isStopped(pid!)
      signalled(pid, 'SIGCONT')
      return stoodStill
    }
    case 'disconnect': {
      const proxy = switchboard.proxy(fault.link)
      await met(() => proxy.open > 0, signal)
      return proxy.disconnect(fault.how) > 0
    }
    case 'refuse': {
      const proxy = switchboard.proxy(fault.link)
      await proxy.afflict(fault.afflictions)
      const refused = await isRefused(proxy.port)
      await lasting(fault.forMs, signal)
      await proxy.heal()
      return refused
    }
    case 'latency':
    case 'bandwidth':
    case 'slice':
    case 'half-open':
    case 'close':
    case 'reset': {
      const { kind } = fault
      const proxy = switchboard.proxy(fault.link)
      const before = proxy.effects[kind]
      const isMet = () => proxy.effects[kind] > before
      await proxy.afflict(fault.afflictions)
      await lasting(fault.forMs, signal)
      await met(isMet, signal)
      await proxy.heal()
      return isMet()
    }
    case 'disk-full': {
      if (disk === undefined) return false
      const before = disk.complaints()
      const isMet = () => disk.complaints() > before
      const over = new AbortController()
      const filled = disk.fill(over.signal)
      await lasting(fault.forMs, signal)
      await met(isMet, signal)
      over.abort()
      await filled
      return isMet()
    }
  }
}

/** Waits, and no longer than the run goes on: what was inflicted is always taken away. */
function lasting(forMs: number, signal: AbortSignal): Promise<void> {
  return sleep(systemClock, forMs, signal).catch(() => {})
}

/** Waits until it is so, and not for ever. */
async function met(isMet: () => boolean, signal: AbortSignal): Promise<void> {
  for (let leftMs = MET_WITHIN_MS; leftMs > 0 && !signal.aborted && !isMet(); leftMs -= LOOK_EVERY_MS) await lasting(LOOK_EVERY_MS, signal)
}

function signalled(pid: number | null, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean {
  if (pid === null) return false
  try {
    return process.kill(pid, signal)
  } catch {
    // It went by itself in this moment; the supervisor is bringing it back.
    return false
  }
}

/** False also when it was killed meanwhile. Where there is no /proc, the signal has to be believed. */
function isStopped(pid: number): boolean {
  if (process.platform !== 'linux') return true
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('T')
  } catch {
    return false
  }
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}
