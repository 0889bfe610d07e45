import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import type { EventEnvelope } from 'seaworthy/messaging'
import { type OutboxEntry, type OutboxStore, startRelay } from 'seaworthy/outbox'
import { VirtualClock, inMemoryEventLog } from '@seaworthy/testing'

function entry(position: number): OutboxEntry {
  const event: EventEnvelope = {
    id: `e${position}`,
    type: 'thing.happened',
    version: 1,
    source: 'things',
    key: 'k',
    sequence: position,
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'c',
    data: null,
  }
  return { position, topic: 'things', event, addedAtMs: 0 }
}

/** A store to which a second message is added so many microtasks after the first was marked as sent. */
function storeAddedTo(microtasks: number): OutboxStore {
  let unsent = [entry(1)]
  let listener: ((topic: string) => void) | undefined
  return {
    add: () => Promise.reject(new Error('not used')),
    topics: async () => ['things'],
    unsent: async () => unsent,
    markSent: async ([position]) => {
      unsent = []
      if (position === 1) void addLater()
    },
    backlog: async () => ({ messages: unsent.length, oldestAtMs: undefined }),
    onAdded: (next) => {
      listener = next
      return () => undefined
    },
  }
  async function addLater(): Promise<void> {
    for (let count = 0; count < microtasks; count++) await Promise.resolve()
    unsent = [entry(2)]
    listener?.('things')
  }
}

test('a message that is added just as its lane falls idle is sent at once, not at the next poll', async () => {
  for (let microtasks = 0; microtasks < 20; microtasks++) {
    const clock = new VirtualClock()
    const log = inMemoryEventLog({ clock, partitions: 1 })
    const relay = startRelay({ store: storeAddedTo(microtasks), log, clock, random: seededRandom(1) })
    await clock.advance(10)
    assert.equal(log.partitions('things')[0]!.length, 2, `added ${microtasks} microtasks after the first was marked`)
    await relay.stop()
  }
})
