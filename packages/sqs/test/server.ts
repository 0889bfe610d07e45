import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { SQSClient } from '@aws-sdk/client-sqs'
import { type ElasticMqServer, startElasticMq } from '../../../test/servers/elasticmq.ts'

let started: Promise<ElasticMqServer> | undefined

// At the top of the file that imports this, and so after its last test.
after(async () => {
  await (await started)?.stop()
})

/** Of a server that speaks SQS, which several tests share. */
export async function endpoint(): Promise<string> {
  const running = process.env['SEAWORTHY_SQS_URL']
  if (running !== undefined) return running
  started ??= startElasticMq()
  return (await started).url
}

export function clientOf(endpoint: string, options: { maxAttempts?: number } = {}): SQSClient {
  return new SQSClient({ endpoint, region: 'elasticmq', credentials: { accessKeyId: 'x', secretAccessKey: 'x' }, ...options })
}

/** A name that no other test has. */
export function freshName(kind: 'standard' | 'fifo' = 'standard'): string {
  return kind === 'fifo' ? `test-${randomUUID()}.fifo` : `test-${randomUUID()}`
}
