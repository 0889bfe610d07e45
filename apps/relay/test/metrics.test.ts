import assert from 'node:assert/strict'
import { test } from 'node:test'
import { familyText } from '@seaworthy/telemetry/prometheus'
import { relayFamilies } from '../src/metrics.ts'

test('the status is told in the text format of Prometheus, names escaped', () => {
  const families = relayFamilies(
    {
      state: 'running',
      backlog: { messages: 3, oldestAtMs: 10_000 },
      topics: [
        { topic: 'orders', state: 'idle', sent: 7, failuresInARow: 0, lastError: undefined },
        { topic: 'a"b\\c\n', state: 'backing-off', sent: 0, failuresInARow: 2, lastError: undefined },
      ],
      stalls: [],
      lastError: undefined,
    },
    { kind: 'standing-by' },
    12_500,
  )
  const text = families.map(familyText).join('')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  assert.deepEqual(lines, [
    'seaworthy_outbox_messages 3',
    'seaworthy_outbox_oldest_seconds 2.5',
    'seaworthy_relay_sent_total{topic="orders"} 7',
    String.raw`seaworthy_relay_sent_total{topic="a\"b\\c\n"} 0`,
    'seaworthy_relay_failures_in_a_row{topic="orders"} 0',
    String.raw`seaworthy_relay_failures_in_a_row{topic="a\"b\\c\n"} 2`,
    'seaworthy_relay_stalled 0',
    'seaworthy_relay_looking 1',
    'seaworthy_wake_up_streaming 0',
  ])
  assert.equal(text.split('\n').filter((line) => line.startsWith('# TYPE')).length, 7)
})
