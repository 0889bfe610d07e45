import { signal } from '@preact/signals'
import type { RollbackRequest, ShiftRequest } from '@seaworthy/supervisor/gateway-admin'
import { useEffect, useMemo } from 'preact/hooks'
import type { GatewaysState } from '../../../../src/http/answers.ts'
import type { OrderState } from '../../components/order-result.tsx'
import { get, post } from '../../state/api.ts'
import { Refreshed } from '../../state/refreshed.ts'

const REFRESH_MS = 2_000

/** What a person decided about a share. */
export type ShareChange =
  | ({ readonly kind: 'shift' } & Omit<ShiftRequest, 'who'>)
  | ({ readonly kind: 'rollback' } & Omit<RollbackRequest, 'who'>)

/** The gateways, kept fresh, and what is decided about their routes. */
export class GatewayStore extends Refreshed<GatewaysState> {
  readonly changing = signal<OrderState | undefined>(undefined)

  constructor() {
    super((ending) => get('/api/gateways', ending), REFRESH_MS)
  }

  async change(gateway: string, { kind, ...request }: ShareChange): Promise<void> {
    if (this.changing.peek()?.kind === 'working') return
    const what = request.tenant === undefined ? request.route : `${request.route} of ${request.tenant}`
    this.changing.value = { kind: 'working', text: `Asking the gateway about ${what}…` }
    try {
      await post(`/api/gateway/${kind}`, { gateway, ...request })
      const text = 'percent' in request ? `${what}: ${request.percent} % go to the new side.` : `${what}: all go to the old side.`
      this.changing.value = { kind: 'over', isGood: true, text }
    } catch (error) {
      this.changing.value = { kind: 'over', isGood: false, text: error instanceof Error ? error.message : String(error) }
    }
    await this.refresh()
  }
}

export function useGateways(): GatewayStore {
  const store = useMemo(() => new GatewayStore(), [])
  useEffect(() => store.start(), [store])
  return store
}
