import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mavenClassPath } from './maven.ts'
import { onFreePorts, startServer } from './server-process.ts'

/** A real Kafka of this process alone, one node on loopback. It ends with the process, however that ends. */
export interface KafkaServer {
  /** `kafka://127.0.0.1:PORT`; the same after a restart. */
  readonly url: string
  /** Ends the broker by a signal and keeps its data. */
  readonly kill: (signal: 'KILL' | 'TERM') => Promise<void>
  /** Starts it again on what it left. */
  readonly start: () => Promise<void>
  /** Ends it at once and removes its data. */
  readonly stop: () => Promise<void>
}

export interface KafkaServerOptions {
  /** Further properties of the broker, such as `log.retention.check.interval.ms`. */
  readonly properties?: Readonly<Record<string, string>>
}

// The broker itself brings no binding for its log, and then says nothing.
const KAFKA = {
  name: 'kafka-4.3.0',
  artifacts: ['org.apache.kafka:kafka_2.13:4.3.0', 'org.apache.kafka:kafka-tools:4.3.0', 'org.slf4j:slf4j-simple:1.7.36'],
}

/** @throws Error that says what to install */
export async function installKafka(): Promise<void> {
  await kafkaClassPath()
}

/** Of the broker and of Kafka's own command-line tools. */
export function kafkaClassPath(): Promise<string> {
  return mavenClassPath(KAFKA)
}

/** Starts an empty broker on free ports. It takes about four seconds. */
export async function startKafka(options: KafkaServerOptions = {}): Promise<KafkaServer> {
  const classPath = await kafkaClassPath()
  return onFreePorts(2, {
    start: ([port, controllerPort]) => startOn({ port: port!, controllerPort: controllerPort! }, classPath, options),
    isTaken: (message) => message.includes('Address already in use'),
  })
}

async function startOn(
  { port, controllerPort }: { port: number; controllerPort: number },
  classPath: string,
  options: KafkaServerOptions,
): Promise<KafkaServer> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-kafka-'))
  try {
    const properties: Record<string, string> = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': join(directory, 'data'),
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'transaction.state.log.num.partitions': '4',
      'share.coordinator.state.topic.replication.factor': '1',
      'share.coordinator.state.topic.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      // A broker that was killed is let in again when its session has run out.
      'broker.session.timeout.ms': '1500',
      'broker.heartbeat.interval.ms': '500',
      // A topic is what somebody decided on; one that a misspelt name brings about hides the mistake.
      'auto.create.topics.enable': 'false',
      // Told so often that its members live, it hands partitions over when they let go, and not seconds later.
      'group.consumer.heartbeat.interval.ms': '200',
      'group.consumer.min.heartbeat.interval.ms': '100',
      'group.consumer.session.timeout.ms': '6000',
      'group.consumer.min.session.timeout.ms': '1000',
      'group.consumer.assignment.interval.ms': '50',
      'group.consumer.min.assignment.interval.ms': '0',
      ...options.properties,
    }
    const file = join(directory, 'server.properties')
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(file, lines.join(''))
    // It may begin with a dash, and stands behind an equals sign for that.
    const cluster = randomBytes(16).toString('base64url')
    await promisify(execFile)('java', ['-cp', classPath, 'kafka.tools.StorageTool', 'format', `--cluster-id=${cluster}`, '-c', file])
    const server = await startServer({
      name: 'Kafka',
      command: ['java', '-Xms128m', '-Xmx512m', '-XX:TieredStopAtLevel=1', ...LOG, '-cp', classPath, 'kafka.Kafka', file],
      directory,
      // Its data is thrown away: no need to wait until it has put everything in order.
      endSignal: 'KILL',
      isReady: (line) => line.includes('Kafka Server started'),
    })
    return {
      url: `kafka://127.0.0.1:${port}`,
      kill: (signal) => server.kill(signal),
      start: () => server.start(),
      stop: () => server.stop(),
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

// Enough to tell why it did not start, and that it did.
const LOG = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info']
