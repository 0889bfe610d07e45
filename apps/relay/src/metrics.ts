import type { WakeUpStatus } from '@seaworthy/postgres'
import { type MetricFamily, type MetricSource, outboxFamilies } from '@seaworthy/telemetry/prometheus'
import { systemClock } from 'seaworthy/core'
import type { RelayStatus } from 'seaworthy/outbox'
import type { RunningRelay } from './running-relay.ts'

/** A relay is asked how it stands whenever somebody wants its metrics. */
export function relayMetrics(relay: Pick<RunningRelay, 'status' | 'wakeUpStatus'>): MetricSource {
  return { name: 'relay', families: async () => relayFamilies(await relay.status(), relay.wakeUpStatus(), systemClock.now()) }
}

/** @param nowMs milliseconds since the epoch */
export function relayFamilies(status: RelayStatus, wakeUp: WakeUpStatus | undefined, nowMs: number): readonly MetricFamily[] {
  return [...outboxFamilies(status, nowMs), ...(wakeUp === undefined ? [] : [streaming(wakeUp)])]
}

function streaming({ kind }: WakeUpStatus): MetricFamily {
  return {
    name: 'seaworthy_wake_up_streaming',
    type: 'gauge',
    help: '1 while replication wakes the relay.',
    samples: [[{}, kind === 'streaming' ? 1 : 0]],
  }
}
