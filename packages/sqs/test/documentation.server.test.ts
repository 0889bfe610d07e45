import { test } from 'node:test'
import { runExamples } from '../../../test/servers/run-examples.ts'
import { endpoint } from './server.ts'

test('the examples of docs/2-communication/sqs.md do what it says', async () => {
  await runExamples('docs/2-communication/sqs.md', {
    AWS_ENDPOINT_URL_SQS: await endpoint(),
    AWS_REGION: 'elasticmq',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  })
})
