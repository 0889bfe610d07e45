import { Client } from 'pg'

/** An outbox as it is written by hand: no keys, no numbers. */
export const CREATE_PLAIN_OUTBOX =
  'CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, event json NOT NULL)'
export const PLAIN_CHANNEL = 'outbox'

// Not read before it is deleted: fewer round trips than any other way, and in no order.
const CLAIM = `WITH next AS MATERIALIZED (SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
  DELETE FROM outbox USING next WHERE outbox.id = next.id RETURNING outbox.topic, outbox.event`

export interface PlainRelayOptions {
  readonly url: string
  readonly batchSize: number
  readonly send: (events: readonly object[]) => Promise<void>
}

/** The loop that is written by hand beside such an outbox: LISTEN, and then SKIP LOCKED and DELETE in one transaction until nothing is left. */
export async function startPlainRelay({ url, batchSize, send }: PlainRelayOptions): Promise<{ stop(): Promise<void> }> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const stopping = new AbortController()
  const { signal } = stopping
  let isAdded = true
  let wake = () => {}
  client.on('notification', () => {
    isAdded = true
    wake()
  })
  await client.query(`LISTEN ${PLAIN_CHANNEL}`)

  const sendBatch = async (): Promise<number> => {
    await client.query('BEGIN')
    const { rows } = await client.query<{ event: object }>({ name: 'claim', text: CLAIM, values: [batchSize] })
    if (rows.length > 0) await send(rows.map(({ event }) => event))
    await client.query('COMMIT')
    return rows.length
  }
  const run = async () => {
    while (!signal.aborted) {
      if (isAdded) {
        isAdded = false
        while ((await sendBatch()) === batchSize && !signal.aborted);
      } else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      wake()
      await running
      await client.end()
    },
  }
}
