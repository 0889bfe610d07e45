import { signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { LabReport, LabRunSummary } from '@seaworthy/supervisor'
import { fetchLabReport, fetchLabs } from '../../state/api.ts'
import { type Loading, loading } from '../../state/loading.ts'

/** A run by its address. */
export interface LabRunName {
  readonly lab: string
  readonly run: string
}

/** Runs of labs, and the report of the one that is looked at. */
export class LabsStore {
  readonly runs = signal<Loading<readonly LabRunSummary[]>>({ kind: 'loading' })
  readonly report = signal<Loading<LabReport>>({ kind: 'loading' })
  readonly #ending = new AbortController()

  start(): () => void {
    void this.#load()
    return () => this.#ending.abort()
  }

  async #load(): Promise<void> {
    const answer = await loading(fetchLabs(this.#ending.signal))
    if (this.#ending.signal.aborted) return
    this.runs.value = answer.kind === 'loaded' ? { kind: 'loaded', value: answer.value.runs } : answer
  }

  async show(name: LabRunName): Promise<void> {
    this.report.value = { kind: 'loading' }
    const report = await loading(fetchLabReport(name, this.#ending.signal))
    if (!this.#ending.signal.aborted) this.report.value = report
  }
}

export function useLabs(): LabsStore {
  const store = useMemo(() => new LabsStore(), [])
  useEffect(() => store.start(), [store])
  return store
}
