import { openSqliteEventLog } from 'seaworthy/sqlite'
import { quantile } from '../quantile.ts'
import { nowMs } from '../wall-clock.ts'
import type { Consumed, Expected } from './conversation.ts'

// The other process: a consumer group for each topic, which reads, and commits its place after each poll.
const [directory = '', ...topics] = process.argv.slice(2)
process.once('disconnect', () => process.exit())
const log = await openSqliteEventLog({ directory })
const readers = await Promise.all(topics.map((topic) => log.reader({ topics: [topic], group: `bench-${topic}` })))

process.on('message', ({ events }: Expected) => void consume(events).then((consumed) => process.send?.(consumed)))
process.send?.({ ready: true })

/** Reads so many of each topic. */
async function consume(events: number): Promise<Consumed> {
  const latenciesMs: number[] = []
  await Promise.all(
    readers.map(async (reader) => {
      for (let left = events; left > 0;) {
        const records = await reader.poll({ max: 500, waitMs: 1_000 })
        const readAtMs = nowMs()
        for (const { event } of records) latenciesMs.push(readAtMs - (event.data as { sentAtMs: number }).sentAtMs)
        left -= records.length
        const last = records.at(-1)
        if (last !== undefined) await reader.commit(placesAfter(records))
      }
    }),
  )
  return { p99Ms: quantile(latenciesMs, 0.99) }
}

function placesAfter(records: readonly { topic: string; partition: number; offset: number }[]) {
  const places = new Map(records.map((record) => [record.partition, record]))
  return [...places.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 }))
}
