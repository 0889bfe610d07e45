import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mavenClassPath } from './maven.ts'
import { onFreePorts, startServer } from './server-process.ts'

/** A server of this process alone that speaks SQS, on loopback and in memory. It ends with the process, however that ends. */
export interface ElasticMqServer {
  /** `http://127.0.0.1:PORT`, the endpoint for a client of SQS. It takes any credentials and any region. */
  readonly url: string
  readonly port: number
  /** Ends it at once. */
  readonly stop: () => Promise<void>
}

const ELASTICMQ = { name: 'elasticmq-1.6.12', artifacts: ['org.elasticmq:elasticmq-server_2.13:1.6.12'] }

/** @throws Error that says what to install */
export async function installElasticMq(): Promise<void> {
  await mavenClassPath(ELASTICMQ)
}

/** Starts an empty server on a free port. It takes about two seconds. */
export async function startElasticMq(): Promise<ElasticMqServer> {
  const classPath = await mavenClassPath(ELASTICMQ)
  return onFreePorts(1, {
    start: ([port]) => startOn(port!, classPath),
    isTaken: (message) => message.includes('Address already in use'),
  })
}

async function startOn(port: number, classPath: string): Promise<ElasticMqServer> {
  const directory = mkdtempSync(join(tmpdir(), 'seaworthy-elasticmq-'))
  try {
    const file = join(directory, 'elasticmq.conf')
    writeFileSync(
      file,
      `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
queues-storage { enabled = false }
`,
    )
    const server = await startServer({
      name: 'ElasticMQ',
      command: ['java', '-Xms64m', '-Xmx256m', '-XX:TieredStopAtLevel=1', `-Dconfig.file=${file}`, '-cp', classPath, MAIN_CLASS],
      directory,
      endSignal: 'KILL',
      isReady: (line) => line.includes('=== ElasticMQ server') && line.includes('started'),
    })
    return { url: `http://127.0.0.1:${port}`, port, stop: () => server.stop() }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

const MAIN_CLASS = 'org.elasticmq.server.Main'
