import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { type Answer, answerSupervisor } from '@seaworthy/supervisor/management'
import { NotFoundError } from 'seaworthy/core'

/** The channel to a supervisor, which hears what is sent. */
class Channel extends EventEmitter<{ message: [unknown]; sent: [object] }> {
  send(message: object): void {
    this.emit('sent', message)
  }
}

test('what an answer throws is told to whoever asked, also before it waits for anything', async () => {
  const refuse = () => {
    throw new NotFoundError('There is no such thing.')
  }
  const channel = new Channel()
  const answers: Record<string, Answer> = { 'at once': refuse, later: async () => refuse() }
  const end = answerSupervisor(answers, channel)
  for (const question of Object.keys(answers)) {
    const answered = once(channel, 'sent')
    channel.emit('message', { type: 'ask', id: question, question, parameters: {} })
    const error = { code: 'not-found', message: 'There is no such thing.', executed: 'no' }
    assert.deepEqual(await answered, [{ type: 'answer', id: question, ok: false, error }])
  }
  end()
})
