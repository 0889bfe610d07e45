import type { WakeUpStatus } from '@seaworthy/postgres'
import { familyText, type MetricFamily, outboxFamilies } from '@seaworthy/telemetry/prometheus'
import type { RelayStatus } from 'seaworthy/outbox'

/** The status in Prometheus' text format. @param nowMs milliseconds since the epoch */
export function metricsText(status: RelayStatus, wakeUp: WakeUpStatus | undefined, nowMs: number): string {
  return [...outboxFamilies(status, nowMs), ...(wakeUp === undefined ? [] : [streaming(wakeUp)])].map(familyText).join('')
}

function streaming({ kind }: WakeUpStatus): MetricFamily {
  return {
    name: 'seaworthy_wake_up_streaming',
    type: 'gauge',
    help: '1 while replication wakes the relay.',
    samples: [[{}, kind === 'streaming' ? 1 : 0]],
  }
}
