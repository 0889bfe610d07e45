import type { WakeUpStatus } from '@seaworthy/postgres'
import type { RelayStatus } from 'seaworthy/outbox'

interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly values: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[]
}

/** The status in Prometheus' text format. @param nowMs milliseconds since the epoch */
export function metricsText(status: RelayStatus, wakeUp: WakeUpStatus | undefined, nowMs: number): string {
  const { backlog, topics, stalls, lastError } = status
  const oldestSeconds = backlog.oldestAtMs === undefined ? 0 : Math.max(0, nowMs - backlog.oldestAtMs) / 1_000
  const perTopic = (read: (topic: RelayStatus['topics'][number]) => number) =>
    topics.map((topic) => ({ labels: { topic: topic.topic }, value: read(topic) }))
  const one = (value: number) => [{ value }]
  const metrics: readonly Metric[] = [
    { name: 'seaworthy_outbox_messages', type: 'gauge', help: 'Messages that wait in the outbox.', values: one(backlog.messages) },
    { name: 'seaworthy_outbox_oldest_seconds', type: 'gauge', help: 'Age of the oldest of them.', values: one(oldestSeconds) },
    { name: 'seaworthy_relay_sent_total', type: 'counter', help: 'Messages that the log confirmed.', values: perTopic(({ sent }) => sent) },
    {
      name: 'seaworthy_relay_failures_in_a_row',
      type: 'gauge',
      help: 'Attempts that failed since the last that did not.',
      values: perTopic(({ failuresInARow }) => failuresInARow),
    },
    {
      name: 'seaworthy_relay_stalled',
      type: 'gauge',
      help: 'Operations that somebody in the database holds up.',
      values: one(stalls.length),
    },
    {
      name: 'seaworthy_relay_looking',
      type: 'gauge',
      help: '1 while the relay can look for work.',
      values: one(lastError === undefined ? 1 : 0),
    },
    ...(wakeUp === undefined
      ? []
      : [
          {
            name: 'seaworthy_wake_up_streaming',
            type: 'gauge' as const,
            help: '1 while replication wakes the relay.',
            values: one(wakeUp.kind === 'streaming' ? 1 : 0),
          },
        ]),
  ]
  return metrics.map(textOf).join('')
}

function textOf({ name, type, help, values }: Metric): string {
  const lines = values.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
