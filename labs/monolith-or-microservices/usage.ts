import { readFileSync } from 'node:fs'
import type { ProcessRecord } from '@seaworthy/supervisor'

/** What a process has used until now. */
export interface Usage {
  readonly name: string
  /** Of all its threads. */
  readonly cpuMs: number
  readonly rssMb: number
  /** What of that no other process has: RSS counts Node itself once for each. Linux alone tells it. */
  readonly ownMb?: number
}

/** Asked of the processes themselves, as Prometheus asks them; no other way tells it on Linux and macOS alike. */
export function usageOf(processes: readonly Pick<ProcessRecord, 'name' | 'metricsUrl' | 'pid'>[]): Promise<readonly Usage[]> {
  return Promise.all(
    processes.map(async ({ name, metricsUrl, pid }) => {
      const text = await (await fetch(metricsUrl)).text()
      const figure = (metric: string) => {
        const value = new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1]
        if (value === undefined) throw new Error(`${name} says nothing of ${metric} at ${metricsUrl}.`)
        return Number(value)
      }
      const ownMb = ownMbOf(pid)
      return {
        name,
        cpuMs: figure('process_cpu_seconds_total') * 1_000,
        rssMb: figure('process_resident_memory_bytes') / MB,
        ...(ownMb !== undefined && { ownMb }),
      }
    }),
  )
}

const MB = 1_000_000

function ownMbOf(pid: number | null): number | undefined {
  try {
    const pages = [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)]
    return (pages.reduce((sum, [, kib]) => sum + Number(kib), 0) * 1_024) / MB
  } catch {
    return undefined
  }
}

/** CPU that all have used together, in milliseconds. */
export const cpuMsOf = (all: readonly Usage[]): number => all.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
