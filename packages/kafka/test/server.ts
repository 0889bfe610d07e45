import { after } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { type KafkaEventLog, type KafkaEventLogOptions, openKafkaEventLog } from '@seaworthy/kafka'
import { startKafka } from '../../../test/servers/kafka.ts'
import { serverKinds } from '../../../test/servers/server-kinds.ts'

interface Running {
  readonly url: string
  readonly stop: () => Promise<void>
}

let running: Promise<Running> | undefined
let logs = 0

// At the top of the file that imports this, and so after its last test.
after(async () => {
  await (await running)?.stop()
})

async function start(): Promise<Running> {
  const url = process.env[serverKinds.find(({ name }) => name === 'kafka')!.variable]
  return url === undefined ? startKafka() : { url, stop: () => Promise.resolve() }
}

export interface LogForTest {
  readonly url: string
  readonly prefix: string
  readonly log: KafkaEventLog
  /** Another process's handle on it. */
  readonly openAnother: (options?: Partial<KafkaEventLogOptions>) => Promise<KafkaEventLog>
  readonly dispose: () => Promise<void>
}

/** A corner of the broker of its own: nobody else has topics or groups with this prefix. */
export async function logForTest(options: Partial<KafkaEventLogOptions> = {}): Promise<LogForTest> {
  running ??= start()
  const { url } = await running
  const prefix = `test-${process.pid}-${++logs}.`
  const opened: KafkaEventLog[] = []
  const openAnother = async (own: Partial<KafkaEventLogOptions> = {}) => {
    const log = await openKafkaEventLog({ connection: url, prefix, owns: ['alpha', 'beta'], partitions: 4, ...options, ...own })
    opened.push(log)
    return log
  }
  return {
    url,
    prefix,
    log: await openAnother(),
    openAnother,
    dispose: async () => {
      await Promise.all(opened.map((log) => log.close()))
      const admin = new Admin({ clientId: 'test', bootstrapBrokers: [url.replace('kafka://', '')] })
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
      if (topics.length > 0) await admin.deleteTopics({ topics })
      await admin.close()
    },
  }
}
