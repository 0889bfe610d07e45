import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigurationError, LimitExceededError, UnavailableError, UnknownOutcomeError } from 'seaworthy/core'
import { SqsError } from '@seaworthy/sqs'
import { typed } from '../src/errors.ts'

const failure = (fields: object) => Object.assign(new Error('because'), fields)
const sending = { what: 'Sending', changes: true }

suite('what an error of the AWS SDK says about the effect', () => {
  test('a refusal and a throttled request surely had none', () => {
    const refused = typed(failure({ name: 'AccessDenied', $fault: 'client', $metadata: { httpStatusCode: 403 } }), sending)
    assert.ok(refused instanceof SqsError && refused.executed === 'no' && refused.final && refused.awsError === 'AccessDenied')
    const throttled = typed(failure({ name: 'ThrottlingException', $fault: 'client', $metadata: { httpStatusCode: 400 } }), sending)
    assert.ok(throttled instanceof UnavailableError && throttled.retryAfterMs === 1_000)
    assert.ok(typed(failure({ name: 'CredentialsProviderError' }), sending) instanceof ConfigurationError)
    const long = typed(failure({ name: 'InvalidAttributeValue', message: 'MessageTooLong', $fault: 'client' }), sending)
    assert.ok(long instanceof LimitExceededError && long.final)
    assert.ok(typed(failure({ name: 'QueueDoesNotExist', $fault: 'client' }), sending) instanceof UnavailableError)
  })

  test('a request that was never sent had none, unless the SDK had tried before', () => {
    const once = typed(failure({ code: 'ECONNREFUSED', $metadata: { attempts: 1 } }), sending)
    assert.ok(once instanceof UnavailableError && once.executed === 'no')
    const thrice = typed(failure({ code: 'ECONNREFUSED', $metadata: { attempts: 3 } }), sending)
    assert.ok(thrice instanceof UnknownOutcomeError && thrice.executed === 'maybe')
  })

  test('a lost answer, and a failure of the server, leave it unknown; to look again is always safe', () => {
    for (const error of [failure({ code: 'ECONNRESET' }), failure({ $fault: 'server', $metadata: { httpStatusCode: 500 } })]) {
      assert.equal(typed(error, sending).executed, 'maybe')
      assert.equal(typed(error, { what: 'Receiving', changes: false }).executed, 'no')
    }
  })
})
