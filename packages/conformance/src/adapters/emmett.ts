import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { callAppendToStream, getPostgreSQLEventStore, postgreSQLEventStoreConsumer } from '@event-driven-io/emmett-postgresql'
import { escapeLiteral } from 'pg'
import type { OutboxAdapter, OutboxEvent, RelayContext } from '../adapter.ts'

const { version } = createRequire(import.meta.resolve('@event-driven-io/emmett-postgresql'))('../package.json') as { version: string }
const PROCESSOR = 'outbox'
/** Of the processor's lock: what a consumer that died keeps the others waiting for. 300 by default. */
const LOCK_SECONDS = 5

const adapter: OutboxAdapter = {
  name: 'Emmett',
  version,
  configuration: [
    'PostgreSQL event store; a key is a stream, and a reactor of its consumer takes the events to the broker, from the last checkpoint (`CURRENT`).',
    `The processor's lock ends after ${LOCK_SECONDS} s instead of 300; a consumer that did not get it, or stopped with an error, is started again every 200 ms.`,
    "In a transaction of the test's own, events are appended by the store's SQL function, as its `appendToStream` does it.",
  ],
  setup: async ({ url }) => {
    const store = getPostgreSQLEventStore(url)
    await store.schema.migrate()
    await store.close()
  },
  application: async ({ url }) => {
    const store = getPostgreSQLEventStore(url)
    return {
      add: async (client, events) => {
        for (const ofStream of Map.groupBy(events, ({ key }) => key).values()) await client.query(appendStatement(ofStream))
      },
      append: async (event) => {
        await store.appendToStream(event.key, [{ type: 'happened', data: { ...event } }])
      },
      close: () => store.close(),
    }
  },
  relay: {
    run: async (context) => {
      for (;;) {
        await consume(context).catch(() => undefined)
        await delay(200)
      }
    },
  },
  consumer: { doesNotHave: 'no inbox: handlers of its consumers run beside a checkpoint, and what comes from a broker has none' },
}

async function consume({ databaseUrl, instance, publish }: RelayContext): Promise<void> {
  const consumer = postgreSQLEventStoreConsumer({ connectionString: databaseUrl })
  consumer.reactor({
    processorId: PROCESSOR,
    processorInstanceId: instance,
    startFrom: 'CURRENT',
    // Its policy `retry` asks again within one transaction, in which now() stands still, and so never sees a lock end.
    lock: { timeoutSeconds: LOCK_SECONDS, acquisitionPolicy: { type: 'fail' } },
    eachMessage: async (message) => {
      const event = message.data as unknown as OutboxEvent
      await publish([{ id: event.id, key: event.key, envelope: event }])
    },
  })
  try {
    await consumer.start()
  } finally {
    await consumer.close()
  }
}

/** What `appendToStream` runs in a transaction of its own. */
function appendStatement(events: readonly OutboxEvent[]): string {
  const literals = (values: readonly string[]) => values.map((value) => escapeLiteral(value)).join(',')
  return String(
    callAppendToStream({
      messageIds: literals(events.map(({ id }) => id)),
      messagesData: literals(events.map((event) => JSON.stringify(event))),
      messagesMetadata: literals(events.map(() => '{}')),
      schemaVersions: literals(events.map(() => '1')),
      messageTypes: literals(events.map(() => 'happened')),
      messageKinds: literals(events.map(() => 'E')),
      streamId: events[0]!.key,
      streamType: 'emt:unknown',
      expectedStreamPosition: 'NULL',
      partition: 'emt:default',
    }),
  )
}

export default adapter
