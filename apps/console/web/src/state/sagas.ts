import { computed, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { SagaChange, SagaDetails } from '@seaworthy/supervisor/management'
import type { SagasState } from '../../../src/http/answers.ts'
import type { OrderState } from '../components/order-result.tsx'
import type { SagaFilter } from '../pages/sagas/route.ts'
import { sagaView } from '../view-model/saga.ts'
import { changeSaga, fetchSaga, fetchSagas } from './api.ts'
import { Refreshed } from './refreshed.ts'

/** Sagas begin and end with every request, and tell nobody. */
const REFRESH_MS = 2_000
/** One that is looked at is looked at because it moves. */
const REFRESH_ONE_MS = 1_000

/** The sagas that match, kept fresh. */
export function useSagas(filter: SagaFilter): Refreshed<SagasState> {
  const { state, saga, before } = filter
  const sagas = useMemo(() => new Refreshed((ending) => fetchSagas({ state, saga, before }, ending), REFRESH_MS), [state, saga, before])
  useEffect(() => sagas.start(), [sagas])
  return sagas
}

const DONE = { retry: 'It is tried again.', skip: 'The step is taken as said; the saga goes on.', abort: 'It turns back.' } as const

/** One saga, kept fresh, and what can be done about it. */
export class SagaStore extends Refreshed<SagaDetails> {
  readonly changing = signal<OrderState | undefined>(undefined)
  readonly view = computed(() => (this.state.value.kind === 'loaded' ? sagaView(this.state.value) : undefined))
  readonly #service: string

  constructor(service: string, id: string) {
    super((ending) => fetchSaga(service, id, ending), REFRESH_ONE_MS)
    this.#service = service
  }

  /** @returns whether it was done */
  async change(change: SagaChange): Promise<boolean> {
    if (this.changing.peek()?.kind === 'working') return false
    this.changing.value = { kind: 'working', text: 'Asking the service…' }
    let isGood = false
    try {
      await changeSaga(this.#service, change)
      isGood = true
      this.changing.value = { kind: 'over', text: DONE[change.action], isGood }
    } catch (error) {
      this.changing.value = { kind: 'over', text: error instanceof Error ? error.message : String(error), isGood }
    }
    await this.refresh()
    return isGood
  }
}

export function useSaga(service: string, id: string): SagaStore {
  const store = useMemo(() => new SagaStore(service, id), [service, id])
  useEffect(() => store.start(), [store])
  return store
}
