import { test } from 'node:test'
import { runExamples } from '../../../test/servers/run-examples.ts'
import { removeQueue } from './remove-queue.ts'
import { brokerUrl } from './server.ts'

test('the examples of docs/2-communication/rabbitmq.md do what it says', async (t) => {
  const url = await brokerUrl()
  t.after(() => removeQueue(url, 'mails'))
  await runExamples('docs/2-communication/rabbitmq.md', { RABBITMQ_URL: url })
})
