import { computed, signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { DeadLetterDetails, RequeueParameters } from '@seaworthy/supervisor/management'
import type { ServiceMessages } from '../../../../src/system/messages.ts'
import { messagesView, requeueText } from '../../view-model/messages.ts'
import type { OrderState } from '../../components/order-result.tsx'
import { fetchDeadLetter, fetchMessages, requeueDeadLetters } from '../../state/api.ts'
import { onServices } from '../../state/live.ts'
import { Polled } from '../../state/polled.ts'

/** Outboxes fill and drain with every request, and tell nobody. */
const REFRESH_MS = 2_000

/** The messages of all services, kept fresh. */
export class MessagesState extends Polled<ServiceMessages> {
  /** What became of the requeue that was asked for last. */
  readonly requeueing = signal<OrderState | undefined>(undefined)
  readonly view = computed(() => (this.state.value.kind === 'loaded' ? messagesView(this.state.value.services) : undefined))

  constructor() {
    super(fetchMessages, REFRESH_MS)
  }

  override start(): () => void {
    const end = super.start()
    const stop = onServices(() => void this.refresh())
    return () => {
      stop()
      end()
    }
  }

  async requeue(service: string, what: string, parameters: RequeueParameters): Promise<void> {
    if (this.requeueing.peek()?.kind === 'working') return
    this.requeueing.value = { kind: 'working', text: `Requeueing ${what}…` }
    try {
      const answer = await requeueDeadLetters(service, parameters)
      const isGood = answer.left === 0 && answer.letters.every(({ outcome }) => outcome !== 'failed')
      this.requeueing.value = { kind: 'over', text: `${what}: ${requeueText(answer)}`, isGood }
    } catch (error) {
      this.requeueing.value = { kind: 'over', text: `${what}: ${error instanceof Error ? error.message : String(error)}`, isGood: false }
    }
    await this.refresh()
  }
}

export function useMessages(): MessagesState {
  const messages = useMemo(() => new MessagesState(), [])
  useEffect(() => messages.start(), [messages])
  return messages
}

export type LetterLoading =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'loaded'; readonly letter: DeadLetterDetails }

/** One dead letter with its body. */
export function useLetter(service: string, id: string) {
  const loading = useMemo(() => signal<LetterLoading>({ kind: 'loading' }), [service, id])
  useEffect(() => {
    const ending = new AbortController()
    fetchDeadLetter(service, id, ending.signal).then(
      (letter) => (loading.value = { kind: 'loaded', letter }),
      (error: unknown) => {
        if (!ending.signal.aborted) loading.value = { kind: 'failed', why: error instanceof Error ? error.message : String(error) }
      },
    )
    return () => ending.abort()
  }, [loading])
  return loading
}
