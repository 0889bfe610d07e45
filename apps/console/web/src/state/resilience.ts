import { computed, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { Fault } from '@seaworthy/supervisor'
import type { ServiceResilience } from '../../../src/system/resilience.ts'
import type { OrderState } from '../components/order-result.tsx'
import { resilienceView } from '../view-model/resilience.ts'
import { fetchResilience, injectFault } from './api.ts'
import { Polled } from './polled.ts'

/** A breaker opens and closes within seconds. */
const REFRESH_MS = 1_000
/** So many looks are drawn: a minute. */
const SAMPLES_MAX = 60

/** The policies of all services, kept fresh, with what was in flight at the last looks. */
export class ResilienceStore extends Polled<ServiceResilience> {
  /** What became of the fault that was ordered last. */
  readonly ordered = signal<OrderState | undefined>(undefined)
  readonly view = computed(() => (this.state.value.kind === 'loaded' ? resilienceView(this.state.value.services) : undefined))
  readonly inFlight = new Map<string, readonly number[]>()

  constructor() {
    super(fetchResilience, REFRESH_MS)
  }

  async inject(service: string, fault: Fault, text: string): Promise<void> {
    try {
      await injectFault(service, fault)
      this.ordered.value = { kind: 'over', text: `${service} ${text}.`, isGood: true }
    } catch (error) {
      this.ordered.value = { kind: 'over', text: error instanceof Error ? error.message : String(error), isGood: false }
    }
    await this.refresh()
  }

  protected override loaded({ services }: { readonly services: readonly ServiceResilience[] }): void {
    for (const { service, call, running } of resilienceView(services).calls) {
      const name = `${service} ${call}`
      this.inFlight.set(name, [...(this.inFlight.get(name) ?? []), running].slice(-SAMPLES_MAX))
    }
  }
}

export function useResilience(): ResilienceStore {
  const store = useMemo(() => new ResilienceStore(), [])
  useEffect(() => store.start(), [store])
  return store
}
