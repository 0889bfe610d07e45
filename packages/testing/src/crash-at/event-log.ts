import type { EventLog, LogReader } from 'seaworthy/messaging'
import { labelOf } from './counted-point.ts'
import type { InEngine, Reach } from './crash-at.ts'

export function eventLogPoints(log: EventLog, { reach, engine }: { reach: Reach; engine: InEngine }): EventLog {
  return {
    async append(topic, events) {
      if (events.length === 0) return engine(() => log.append(topic, events))
      reach('event-log:append:before')
      await engine(() => log.append(topic, events))
      reach('event-log:append:after')
    },
    reader: async (options) => readerPoints(await engine(() => log.reader(options)), { group: labelOf(options.group), reach, engine }),
    topics: () => engine(() => log.topics()),
    close: () => engine(() => log.close()),
  }
}

function readerPoints(reader: LogReader, { group, reach, engine }: { group: string; reach: Reach; engine: InEngine }): LogReader {
  return {
    async poll(options) {
      const records = await engine(() => reader.poll(options))
      if (records.length > 0) reach(`event-log:poll-${group}`)
      return records
    },
    async commit(positions) {
      reach(`event-log:offsets-${group}:before`)
      await engine(() => reader.commit(positions))
      reach(`event-log:offsets-${group}:after`)
    },
    seek: (to) => engine(() => reader.seek(to)),
    lag: () => engine(() => reader.lag()),
    close: () => engine(() => reader.close()),
  }
}
